-- Takes entries; one that is there already stays as it is, for as long as the later of both says.
-- ARGV: epoch, then for each entry its name, itself and its time in milliseconds
local s, problem = load(ARGV[1])
if not s then return problem end
local at = now()
forget(s, at)
for place = 2, #ARGV, 3 do
    local name, entry, over = ARGV[place], ARGV[place + 1], at + tonumber(ARGV[place + 2])
    if redis.call('HSETNX', entries, name, entry) == 1 then
        s.counter = s.counter + 1
        s.size = s.size + 1
        local id = text(s.counter) .. '-0'
        local added = redis.pcall('XADD', feed, 'MAXLEN', '~', 10000, id, 'n', name, 'e', entry)
        if type(added) == 'table' and added.err then
            -- A feed that is ahead was not written by the script. Who follows it looks at all entries.
            redis.call('DEL', feed)
            redis.call('XADD', feed, id, 'n', name, 'e', entry)
        end
    end
    redis.call('ZADD', expiry, 'GT', text(over), name)
    s.last = math.max(s.last, over)
end
for _, key in ipairs({entries, expiry, feed}) do
    redis.call('PEXPIREAT', key, text(s.last + 3600000))
end
save(s)
return {'ok', text(s.generation), replication_id()}

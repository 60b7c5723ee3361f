-- Makes the epoch, if there is none. Entries that outlived the last one stay.
-- ARGV: epoch, check, settling time, longest lifetime
if redis.call('HEXISTS', state, 'epoch') == 1 then return {'exists'} end
local at = now()
redis.call('DEL', feed, machines, merged)
local s = {
    generation = 1, counter = 0, last = at, settle_at = at + tonumber(ARGV[3]), is_settled = false,
    replica = replication_id(),
}
for _, name in ipairs(redis.call('HKEYS', entries)) do
    redis.call('ZADD', expiry, 'NX', text(at + tonumber(ARGV[4])), name)
end
local last = redis.call('ZREVRANGE', expiry, 0, 0, 'WITHSCORES')
if last[2] then s.last = math.max(s.last, tonumber(last[2])) end
redis.call('PEXPIREAT', entries, text(s.last + 3600000))
redis.call('PEXPIREAT', expiry, text(s.last + 3600000))
s.size = redis.call('HLEN', entries)
redis.call('HSET', state, 'epoch', ARGV[1], 'check', ARGV[2])
save(s)
return {'ok'}

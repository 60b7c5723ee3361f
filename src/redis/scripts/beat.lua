-- A sign of life. It writes, so that a primary which has lost its replicas gives none
-- (`min-replicas-to-write`).
-- ARGV: epoch, machine, what it has merged, its generation, its counter, settling time, longest lifetime
local s, problem = load(ARGV[1])
if not s then return problem end
local at, replica = now(), replication_id()
local known, counted = tonumber(ARGV[4]), tonumber(ARGV[5])
local settling, longest = tonumber(ARGV[6]), tonumber(ARGV[7])
forget(s, at)

local fell_back = known > s.generation or (known == s.generation and counted > s.counter)
local lost = replica ~= s.replica or fell_back
    or redis.call('HLEN', entries) < s.size or redis.call('ZCARD', expiry) < s.size
if lost then
    s.generation = math.max(s.generation, known) + 1
    s.counter = math.max(s.counter, counted)
    s.settle_at = at + settling
    s.is_settled = false
    s.replica = replica
    -- What has lost its time gets one.
    for _, name in ipairs(redis.call('HKEYS', entries)) do
        if redis.call('ZADD', expiry, 'NX', text(at + longest), name) == 1 then
            s.last = math.max(s.last, at + longest)
        end
    end
    if s.last > at then
        redis.call('PEXPIREAT', entries, text(s.last + 3600000))
        redis.call('PEXPIREAT', expiry, text(s.last + 3600000))
    end
    s.size = redis.call('HLEN', entries)
    redis.call('DEL', feed, merged)
    -- Who was there before is waited for.
    for _, machine in ipairs(redis.call('ZRANGE', machines, 0, -1)) do
        redis.call('ZADD', machines, text(at), machine)
    end
end

redis.call('ZADD', machines, text(at), ARGV[2])
redis.call('ZREMRANGEBYSCORE', machines, '-inf', text(at - settling))
redis.call('PEXPIRE', machines, text(settling * 100))
if not s.is_settled then
    if ARGV[3] == text(s.generation) .. ':' .. s.replica then
        redis.call('SADD', merged, ARGV[2])
        redis.call('PEXPIRE', merged, text(settling * 100))
    end
    if at >= s.settle_at then
        s.is_settled = true
        for _, machine in ipairs(redis.call('ZRANGE', machines, 0, -1)) do
            if redis.call('SISMEMBER', merged, machine) == 0 then s.is_settled = false end
        end
    end
end

-- A feed that goes on beyond the counter was not written by the script.
local newest = redis.call('XREVRANGE', feed, '+', '-', 'COUNT', 1)[1]
if newest and newest[1] ~= text(s.counter) .. '-0' then
    local before = tonumber(string.match(newest[1], '^%d+')) or 0
    if before >= s.counter then redis.call('DEL', feed) end
end
save(s)
return {'ok', text(s.generation), s.replica, text(s.counter), s.is_settled and '1' or '0', lost and '1' or '0'}

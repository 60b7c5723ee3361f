-- What the scripts of the list of revocations have in common. All of them get the same keys.
local state, entries, expiry, feed, machines, merged = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

-- Who the server is: another id means another history.
local function replication_id()
    local text = redis.call('INFO', 'replication')
    return string.match(text, 'master_replid:(%w+)') or ''
end

local function now()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Numbers as text: Lua would write large ones with an exponent.
local function text(number)
    return string.format('%.0f', number)
end

-- The state as it was left, or why there is none.
local function load(epoch)
    local s = redis.call('HMGET', state, 'epoch', 'check', 'generation', 'counter', 'size', 'until',
        'settle_at', 'is_settled', 'replica')
    if not s[1] then return nil, {'none'} end
    if s[1] ~= epoch then return nil, {'other', s[1], s[2] or ''} end
    local all = {
        generation = tonumber(s[3]), counter = tonumber(s[4]), size = tonumber(s[5]),
        last = tonumber(s[6]), settle_at = tonumber(s[7]), is_settled = s[8] == '1', replica = s[9] or '',
    }
    local complete = all.generation and all.counter and all.size and all.last and all.settle_at
    if not complete then return nil, {'damaged'} end
    return all
end

-- Drops what is over, a bounded part of it at a time.
local function forget(s, at)
    -- Both keys have ended by themselves, or may have.
    if s.last <= at then s.size = 0 end
    local over = redis.call('ZRANGEBYSCORE', expiry, '-inf', text(at), 'LIMIT', 0, 500)
    if #over > 0 then
        local gone = redis.call('HDEL', entries, unpack(over))
        redis.call('ZREM', expiry, unpack(over))
        s.size = math.max(s.size - gone, 0)
    end
end

local function save(s)
    redis.call('HSET', state, 'generation', text(s.generation), 'counter', text(s.counter),
        'size', text(s.size), 'until', text(s.last), 'settle_at', text(s.settle_at),
        'is_settled', s.is_settled and '1' or '0', 'replica', s.replica)
end

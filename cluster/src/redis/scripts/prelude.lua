-- What all scripts share. KEYS: meta, pending, done, queue, events.
--
--   meta     hash    epoch, state (open, complete, broken, cancelled), total, ttl, fast, queue, lease, deliveries, task, reason
--   pending  set     ids of the tasks without an outcome
--   done     hash    id -> nonce:remaining:+result or nonce:remaining:-reason
--   queue    stream  one entry per task that was not completed yet, for the consumer group `workers`
--   events   stream  something changed: a hint, never the truth
--
-- Invariant: |pending| + |done| = total. If not, the server has lost a part of the group, and nothing is believed.
local meta, pending, done, queue, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local group = {}
local fields = redis.call('HGETALL', meta)
for i = 1, #fields, 2 do group[fields[i]] = fields[i + 1] end

local function keep()
    for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, group.ttl) end
end

-- Every key gets its time anew when a quarter of it has passed, not on every call.
local function touch()
    if redis.call('PTTL', meta) < group.ttl * 0.75 then keep() end
end

local function announce(what)
    redis.call('XADD', events, 'MAXLEN', '~', 64, '*', 'epoch', group.epoch, 'state', what)
    redis.call('PEXPIRE', events, group.ttl)
end

local function last_event()
    local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)
    return last[1] and last[1][1] or '0-0'
end

-- How many tasks are missing, or nothing if a part of the group is.
local function remaining()
    local left = redis.call('SCARD', pending)
    if left + redis.call('HLEN', done) ~= tonumber(group.total) then return nil end
    if group.state == 'open' and group.queue == '1' and redis.call('XLEN', queue) < left then return nil end
    return left
end

local function finish(state, task, reason)
    group.state = state
    redis.call('HSET', meta, 'state', state, 'task', task, 'reason', reason)
    redis.call('DEL', queue)
    announce(state)
end

-- The first outcome of a pending task; returns how many are missing now.
local function record(task, nonce, sign, payload)
    redis.call('SREM', pending, task)
    local left = redis.call('SCARD', pending)
    redis.call('HSET', done, task, nonce .. ':' .. left .. ':' .. sign .. payload)
    if redis.call('HLEN', done) == 1 then redis.call('PEXPIRE', done, group.ttl) end
    if sign == '-' and group.fast == '1' then
        finish('broken', task, payload)
    elseif left == 0 then
        finish('complete', '', '')
    end
    return left
end

local function answer(status, ...)
    return {status, tostring(now), last_event(), group.epoch or '', ...}
end

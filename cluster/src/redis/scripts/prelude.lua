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

local fields = redis.call('HMGET', meta, 'epoch', 'state', 'total', 'ttl', 'fast', 'queue')
local group = {
    epoch = fields[1], state = fields[2], total = tonumber(fields[3]), ttl = tonumber(fields[4]),
    fast = fields[5] == '1', queue = fields[6] == '1',
}

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

-- How many tasks are missing and how many are complete, or nothing if a part of the group is lost.
local function count()
    local left, complete = redis.call('SCARD', pending), redis.call('HLEN', done)
    if left + complete ~= group.total then return nil end
    if group.state == 'open' and group.queue and redis.call('XLEN', queue) < left then return nil end
    return left, complete
end

local function finish(state, task, reason)
    group.state = state
    redis.call('HSET', meta, 'state', state, 'task', task, 'reason', reason)
    redis.call('DEL', queue)
    announce(state)
end

-- The first outcome of a task, which is not pending any more. So many are missing now, so many were complete before.
local function record(task, nonce, sign, payload, left, complete)
    redis.call('HSET', done, task, nonce .. ':' .. left .. ':' .. sign .. payload)
    if complete == 0 then redis.call('PEXPIRE', done, group.ttl) end
    if sign == '-' and group.fast then
        finish('broken', task, payload)
    elseif left == 0 then
        finish('complete', '', '')
    end
end

local function answer(status, ...)
    return {status, group.epoch or '', ...}
end

-- The same for whoever is going to wait: with the server's clock, and the last event that this script has seen.
local function seen(status, ...)
    local time = redis.call('TIME')
    local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
    local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
    return answer(status, now, last and last[1] or '0-0', ...)
end

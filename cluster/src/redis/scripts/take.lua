-- consumer.
if not group.epoch then return seen('none') end
local left, complete = count()
if not left then return seen('none') end
local consumer = ARGV[1]
local lease, deliveries = unpack(redis.call('HMGET', meta, 'lease', 'deliveries'))

-- An entry that no worker has had, or else one whose lease has expired.
local function next_entry()
    local new = redis.call('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', 1, 'STREAMS', queue, '>')
    if new then return new[1][2][1], 1 end
    local from = '0-0'
    repeat
        local expired = redis.call('XAUTOCLAIM', queue, 'workers', consumer, lease, from, 'COUNT', 1)
        if expired[2][1] then
            local entry = expired[2][1]
            return entry, redis.call('XPENDING', queue, 'workers', entry[1], entry[1], 1)[1][4]
        end
        from = expired[1]
    until from == '0-0'
end

while group.state == 'open' and group.queue do
    local entry, delivery = next_entry()
    if not entry then break end
    local task, payload = entry[2][2], entry[2][4]
    local poison = delivery > tonumber(deliveries)
    if not poison and redis.call('SISMEMBER', pending, task) == 1 then
        touch()
        return seen('task', entry[1], task, payload, delivery)
    end
    redis.call('XACK', queue, 'workers', entry[1])
    redis.call('XDEL', queue, entry[1])
    if redis.call('SREM', pending, task) == 1 then
        left, complete = left - 1, complete + 1
        record(task, '0', '-', 'handed out ' .. deliveries .. ' times and never answered', left, complete - 1)
    end
end
if group.state ~= 'open' then return seen('over') end
return seen('idle', lease)

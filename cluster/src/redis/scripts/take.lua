-- consumer.
if not group.epoch then return answer('none') end
if not remaining() then return answer('none') end
local consumer = ARGV[1]

-- An entry that no worker has had, or else one whose lease has expired.
local function next_entry()
    local new = redis.call('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', 1, 'STREAMS', queue, '>')
    if new then return new[1][2][1], 1 end
    local from = '0-0'
    repeat
        local expired = redis.call('XAUTOCLAIM', queue, 'workers', consumer, group.lease, from, 'COUNT', 1)
        if expired[2][1] then
            local entry = expired[2][1]
            return entry, redis.call('XPENDING', queue, 'workers', entry[1], entry[1], 1)[1][4]
        end
        from = expired[1]
    until from == '0-0'
end

while group.state == 'open' and group.queue == '1' do
    local entry, delivery = next_entry()
    if not entry then break end
    local task, payload = entry[2][2], entry[2][4]
    if redis.call('SISMEMBER', pending, task) == 0 then
        redis.call('XACK', queue, 'workers', entry[1])
        redis.call('XDEL', queue, entry[1])
    elseif delivery > tonumber(group.deliveries) then
        redis.call('XACK', queue, 'workers', entry[1])
        redis.call('XDEL', queue, entry[1])
        record(task, '0', '-', 'handed out ' .. group.deliveries .. ' times and never answered')
    else
        touch()
        return answer('task', entry[1], task, payload, tostring(delivery))
    end
end
if group.state ~= 'open' then return answer('over') end
return answer('idle', group.lease)

-- epoch, task, nonce, sign, payload, entry of the queue or ''.
if not group.epoch then return answer('vanished') end
if group.epoch ~= ARGV[1] then return answer('stale') end
if not remaining() then return answer('vanished') end
if ARGV[6] ~= '' and redis.call('EXISTS', queue) == 1 then
    redis.call('XACK', queue, 'workers', ARGV[6])
    redis.call('XDEL', queue, ARGV[6])
end
local before = redis.call('HGET', done, ARGV[2])
if before then
    local nonce, left = before:match('^(%x+):(%d+):')
    if nonce == ARGV[3] then return answer('first', left) end -- the answer was lost, and the caller asks again
    return answer('duplicate')
end
if redis.call('SISMEMBER', pending, ARGV[2]) == 0 then return answer('unknown') end
if group.state ~= 'open' then return answer('cancelled') end
local left = record(ARGV[2], ARGV[3], ARGV[4], ARGV[5])
touch()
return answer('first', tostring(left))

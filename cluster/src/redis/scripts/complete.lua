-- epoch, task, nonce, sign, payload, entry of the queue or ''.
if not group.epoch then return answer('vanished') end
if group.epoch ~= ARGV[1] then return answer('stale') end
local left, complete = count()
if not left then return answer('vanished') end
local open = group.state == 'open'
if ARGV[6] ~= '' and open then
    redis.call('XACK', queue, 'workers', ARGV[6])
    redis.call('XDEL', queue, ARGV[6])
end
if open and redis.call('SREM', pending, ARGV[2]) == 1 then
    record(ARGV[2], ARGV[3], ARGV[4], ARGV[5], left - 1, complete)
    touch()
    return answer('first', left - 1)
end
local before = redis.call('HGET', done, ARGV[2])
if before then
    local nonce, then_left = before:match('^(%x+):(%d+):')
    if nonce == ARGV[3] then return answer('first', then_left) end -- the answer was lost, and the caller asks again
    return answer('duplicate')
end
if redis.call('SISMEMBER', pending, ARGV[2]) == 1 then return answer('cancelled') end
return answer('unknown')

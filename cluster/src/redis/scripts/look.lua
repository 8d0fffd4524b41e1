-- epoch, then: 0 to look, 1 to name the missing tasks of an open run, 2 to name them in any case.
if not group.epoch then return answer('vanished') end
if group.epoch ~= ARGV[1] then return answer('superseded') end
if not remaining() then return answer('vanished') end
touch()
if ARGV[2] == '2' then return answer('open', redis.call('SMEMBERS', pending)) end
if group.state == 'complete' then return answer('complete', redis.call('HGETALL', done)) end
if group.state ~= 'open' then return answer(group.state, group.task, group.reason) end
if ARGV[2] == '1' then return answer('open', redis.call('SMEMBERS', pending)) end
return answer('open')

-- epoch, then: 0 to look, 1 to name the missing tasks of an open run, 2 to name them in any case.
if not group.epoch then return seen('vanished') end
if group.epoch ~= ARGV[1] then return seen('superseded') end
if not count() then return seen('vanished') end
touch()
if ARGV[2] == '2' then return seen('open', redis.call('SMEMBERS', pending)) end
if group.state == 'complete' then return seen('complete', redis.call('HGETALL', done)) end
if group.state ~= 'open' then return seen(group.state, unpack(redis.call('HMGET', meta, 'task', 'reason'))) end
if ARGV[2] == '1' then return seen('open', redis.call('SMEMBERS', pending)) end
return seen('open')

-- epoch, consumer, entry of the queue.
if group.epoch ~= ARGV[1] or redis.call('EXISTS', queue) == 0 then return answer('lost') end
local entry = redis.call('XPENDING', queue, 'workers', ARGV[3], ARGV[3], 1)[1]
if not entry or entry[2] ~= ARGV[2] then return answer('lost') end
redis.call('XCLAIM', queue, 'workers', ARGV[2], 0, ARGV[3], 'JUSTID')
touch()
return answer('renewed')

-- epoch, ttl, fast, refuse, queue, lease, deliveries, then id and payload of each task.
if group.epoch == ARGV[1] then return answer('ok') end -- the answer was lost, and the caller asks again
if group.state == 'open' and ARGV[4] == '1' and count() then return answer('busy') end
redis.call('DEL', meta, pending, done, queue)
local total = (#ARGV - 7) / 2
local state = total == 0 and 'complete' or 'open'
group = {epoch = ARGV[1], ttl = tonumber(ARGV[2]), queue = ARGV[5] == '1' and total > 0}
redis.call('HSET', meta, 'epoch', ARGV[1], 'state', state, 'total', total, 'ttl', ARGV[2], 'fast', ARGV[3],
    'queue', ARGV[5], 'lease', ARGV[6], 'deliveries', ARGV[7], 'task', '', 'reason', '')
for i = 8, #ARGV, 2 do
    redis.call('SADD', pending, ARGV[i])
    if group.queue then redis.call('XADD', queue, '*', 'task', ARGV[i], 'payload', ARGV[i + 1]) end
end
if group.queue then redis.call('XGROUP', 'CREATE', queue, 'workers', '0') end
announce('created')
keep()
return answer('ok')

-- epoch.
if group.epoch == ARGV[1] then redis.call('DEL', meta, pending, done, queue, events) end
return answer('ok')

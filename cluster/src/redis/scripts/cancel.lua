-- epoch, reason.
if group.epoch ~= ARGV[1] then return answer('vanished') end
if group.state == 'open' then finish('cancelled', '', ARGV[2]) end
return answer('ok')

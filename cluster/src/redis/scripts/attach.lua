-- Which run there is.
if not group.epoch or not remaining() then return answer('vanished') end
return answer('ok')

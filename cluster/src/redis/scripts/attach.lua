-- Which run there is.
if not group.epoch or not count() then return seen('vanished') end
return seen('ok')

-- Where the server stands. It writes nothing.
-- ARGV: epoch
local s, problem = load(ARGV[1])
if not s then return problem end
return {'ok', text(s.generation), replication_id(), text(s.counter)}

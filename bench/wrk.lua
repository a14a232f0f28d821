-- Sends the prepared requests of a file, in turn, and says as JSON what the round came to.
-- The file holds each request after a line with its length.

local requests = {}
local at = 0

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local length = file:read("*l")
   while length do
      requests[#requests + 1] = file:read(tonumber(length))
      length = file:read("*l")
   end
   file:close()
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format('{"rate": %f, "p50": %f, "p99": %f, "failed": %d}\n',
      summary.requests / summary.duration * 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000,
      errors.status + errors.connect + errors.timeout))
end

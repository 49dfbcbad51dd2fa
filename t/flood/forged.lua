-- t/flood/forged.lua — wrk's requests for t/flood.t: each another one, from as
-- little work as can be, at a pace.
--
--   wrk … -s forged.lua URL -- HOST PATH PAUSE [FILE]
--
-- FILE: a line is header and claims of a token ("eyJ….eyJ…"); a random signature
-- is added.  Without it: no token at all.  PAUSE: ms of each connection between
-- an answer and its next request.

local unpack, random, concat = unpack, math.random, table.concat
local parts, chunks, head, tail, pause = {}, {}, "", "", 0

function init(args)
   head = "GET " .. args[2] .. " HTTP/1.1\r\nHost: " .. args[1] .. "\r\n"
   tail = "\r\n\r\n"
   pause = tonumber(args[3])

   if not args[4] then
      tail = "\r\n"
      return
   end

   for line in io.lines(args[4]) do
      parts[#parts + 1] = "Authorization: Bearer " .. line .. "."
   end

   -- a signature of ES384 is 96 bytes, 128 characters: four of these

   local seed = io.open("/dev/urandom", "rb")
   math.randomseed(string.byte(seed:read(1)) * 65536 + string.byte(seed:read(1)) * 256 + string.byte(seed:read(1)))
   seed:close()

   local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
   for i = 1, 4096 do
      local c = {}
      for j = 1, 32 do
         local n = random(64)
         c[j] = alphabet:sub(n, n)
      end
      chunks[i] = concat(c)
   end
end

function delay()
   return pause
end

function request()
   if #parts == 0 then
      return head .. tail
   end

   return head .. parts[random(#parts)] .. chunks[random(4096)] .. chunks[random(4096)] .. chunks[random(4096)]
      .. chunks[random(4096)] .. tail
end

function done(summary)
   local e = summary.errors
   io.write(string.format("requests=%d refused=%d broken=%d seconds=%.2f\n", summary.requests, e.status,
      e.connect + e.read + e.write + e.timeout, summary.duration / 1e6))
end

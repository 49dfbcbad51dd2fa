-- t/pod_truth/instances.lua — wrk's requests for t/pod_truth.t: each instance's
-- host in turn, and a count of what was answered.
--
--   wrk -t1 … -s instances.lua URL -- N HOST COOKIE…
--
-- HOST holds "<id>", for 0 to N - 1; each has a COOKIE, its session.  "foreign" is an answer of another
-- instance than the one that was asked.

local requests, threads, at = {}, {}, 0
foreign, own, refused, other, example = 0, 0, 0, 0, ""

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   for id = 0, tonumber(args[1]) - 1 do
      requests[id + 1] = "GET /info?asked=" .. id .. " HTTP/1.1\r\nHost: " .. args[2]:gsub("<id>", id)
         .. "\r\nAccept: application/json\r\nCookie: aigc-instance=" .. args[3 + id] .. "\r\n\r\n"
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function response(status, headers, body)
   if status == 200 then
      local is, asked = body:match('"instance":%s*(%d+)'), body:match('"asked":%s*"(%d+)"')
      if is and is == asked then
         own = own + 1
      else
         foreign = foreign + 1
         example = (asked or "?") .. ":" .. (is or "?")
      end
   elseif status >= 502 and status <= 504 then
      refused = refused + 1
   else
      other = other + 1
   end
end

function done(summary)
   local t = threads[1]
   io.write(string.format("foreign=%d own=%d refused=%d other=%d example=%s\n", t:get("foreign"), t:get("own"),
      t:get("refused"), t:get("other"), t:get("example")))
end

-- wrk's side: posts the file that follows `--`, with a token where one follows
-- that, and ends with one JSON line.

function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = file:read("*a")
    file:close()
    if args[2] then
        wrk.headers["Authorization"] = "Bearer " .. args[2]
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"p99_us":%d,"errors":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

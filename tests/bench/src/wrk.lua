-- Prints what the bench reads of a run: requests, microseconds, errors, and percentiles in µs.
done = function(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      "bench: %d %d %d %.1f %.1f %.1f\n",
      summary.requests,
      summary.duration,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end

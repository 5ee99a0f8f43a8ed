//! Load by services that call others and time their calls themselves: so many outer requests at a
//! time, each of which makes its calls in a loop and answers with their times. Neither the client
//! nor the outer request is part of a latency.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::http::Connection;
use crate::report::Figure;
use crate::server::Server;

/// Load before the first measurement: connections are accepted, pools filled, caches warm.
const WARM_UP: Duration = Duration::from_millis(500);

/// What the callers said, in nanoseconds.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    /// Calls in rows, of which only the time of the row was taken, and that time.
    row_count: u64,
    row_ns: u64,
    /// How many calls took so long, of those that were timed one by one.
    timed: BTreeMap<u64, u64>,
}

impl Said {
    /// Reads the answer of a caller: lines `row COUNT NANOSECONDS`, `NANOSECONDS` or `NANOSECONDS
    /// COUNT`.
    ///
    /// # Errors
    /// With the line that is none of them.
    pub fn read(text: &str) -> Result<Self> {
        let mut said = Self::default();
        for line in text.lines() {
            said.read_line(line)
                .with_context(|| format!("a caller said `{line}`"))?;
        }
        Ok(said)
    }

    fn read_line(&mut self, line: &str) -> Result<()> {
        let fields: Vec<&str> = line.split(' ').collect();
        match fields.as_slice() {
            ["row", count, nanoseconds] => {
                self.row_count += count.parse::<u64>()?;
                self.row_ns += nanoseconds.parse::<u64>()?;
            }
            [nanoseconds] => *self.timed.entry(nanoseconds.parse()?).or_default() += 1,
            [nanoseconds, count] => {
                *self.timed.entry(nanoseconds.parse()?).or_default() += count.parse::<u64>()?;
            }
            _ => bail!("which is no time"),
        }
        Ok(())
    }

    /// Adds what another one said.
    pub fn add(&mut self, other: &Self) {
        self.row_count += other.row_count;
        self.row_ns += other.row_ns;
        for (nanoseconds, count) in &other.timed {
            *self.timed.entry(*nanoseconds).or_default() += count;
        }
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.row_count + self.timed.values().sum::<u64>()
    }

    /// Mean µs of a call in a row, if there were rows.
    pub fn row_us(&self) -> Option<f64> {
        (self.row_count > 0).then(|| self.row_ns as f64 / self.row_count as f64 / 1e3)
    }

    /// Calls per second, their latency, the mean time in a row, and the CPU time that a server took
    /// for each.
    ///
    /// # Errors
    /// When there was no call.
    pub fn figures(&self, point: &str, elapsed: Duration, cpu: Duration) -> Result<Vec<Figure>> {
        let calls = self.calls() as f64;
        let cpu_us = cpu.as_secs_f64() * 1e6;
        let latency = Figure::weighted(point, "latency µs", self.timed_us());
        let mut figures = vec![
            Figure::value(point, "calls/s", calls / elapsed.as_secs_f64()),
            latency.context("no call was made")?,
        ];
        let row = self.row_us();
        figures.extend(row.map(|mean_us| Figure::value(point, "µs/call in a row", mean_us)));
        figures.push(Figure::value(point, "CPU µs/call", cpu_us / calls));
        Ok(figures)
    }

    fn timed_us(&self) -> Vec<(f64, u64)> {
        let timed = self.timed.iter();
        timed
            .map(|(nanoseconds, count)| (*nanoseconds as f64 / 1e3, *count))
            .collect()
    }
}

/// The services that one contender runs; clients ask the first.
pub struct Services<'s> {
    pub address: SocketAddr,
    pub servers: Vec<&'s Server>,
}

impl Services<'_> {
    /// Lets `callers` call for `seconds`, and returns calls per second, their latency, the mean
    /// time in a row, and the CPU time and memory of the processes.
    ///
    /// # Errors
    /// When a call fails.
    pub fn figures(
        &self,
        point: &str,
        path: &str,
        callers: usize,
        seconds: u64,
    ) -> Result<Vec<Figure>> {
        self.load(path, callers, WARM_UP)?;
        let before = self.cpu_time()?;
        let started = Instant::now();
        let said = self.load(path, callers, Duration::from_secs(seconds))?;
        let elapsed = started.elapsed();
        let cpu = self.cpu_time()?.saturating_sub(before);
        let mut figures = said.figures(point, elapsed, cpu)?;
        let mut resident_kib = 0;
        for server in &self.servers {
            resident_kib += server.process.memory()?.resident_kib;
        }
        let resident_mib = resident_kib as f64 / 1024.0;
        figures.push(Figure::value(point, "resident MiB", resident_mib));
        Ok(figures)
    }

    fn cpu_time(&self) -> Result<Duration> {
        let times = self.servers.iter().map(|server| server.process.cpu_time());
        times.sum()
    }

    /// Sends outer requests over `callers` connections until `duration` is over.
    ///
    /// # Errors
    /// When a call fails.
    pub fn load(&self, path: &str, callers: usize, duration: Duration) -> Result<Said> {
        let deadline = Instant::now() + duration;
        let ask = || -> Result<Said> {
            let mut connection = Connection::open(self.address)?;
            let mut said = Said::default();
            while Instant::now() < deadline {
                said.add(&Said::read(&connection.get(path)?.ok()?)?);
            }
            Ok(said)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..callers).map(|_| scope.spawn(ask)).collect();
            let mut all = Said::default();
            for thread in threads {
                let said = thread.join().map_err(|_| anyhow!("a client panicked"))?;
                all.add(&said?);
            }
            Ok(all)
        })
    }
}

/// The column "at" of so many callers.
pub fn point(callers: usize) -> String {
    format!("{callers} callers").replace("1 callers", "1 caller")
}

#[cfg(test)]
mod tests {
    use super::{Said, point};
    use crate::times::Times;

    #[test]
    fn what_callers_say_is_read_and_added() {
        let mut times = Times::new(4, 8_000);
        for nanoseconds in [1_000, 1_000, 3_000] {
            times.add(nanoseconds);
        }
        let mut said = Said::read(&times.to_text()).unwrap();
        said.add(&Said::read("1000\n1000\n").unwrap());
        assert_eq!((said.calls(), said.row_us()), (9, Some(2.0)));
        let counts: Vec<u64> = said.timed.values().copied().collect();
        assert_eq!(
            counts,
            [2, 2, 1],
            "the bucket of 1,000 ns has another middle"
        );
        assert_eq!(Said::default().row_us(), None);
    }

    #[test]
    fn a_line_that_is_no_time_is_shown() {
        for line in ["", "row 1", "fast", "1 2 3"] {
            let error = Said::read(&format!("{line}\n")).unwrap_err().to_string();
            assert!(error.contains(&format!("`{line}`")), "{error}");
        }
    }

    #[test]
    fn one_caller_is_no_plural() {
        assert_eq!(
            [1, 2, 32].map(point),
            ["1 caller", "2 callers", "32 callers"]
        );
    }
}

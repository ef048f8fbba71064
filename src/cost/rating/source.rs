//! What a meter may count of a workload, and the units that it can be billed in. Counting it is `usage`'s.

use serde::Deserialize;

/// One kind of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cost) enum Source {
    /// Requests on demand.
    Requests,
    /// Requests that provisioned environments take.
    ProvisionedRequests,
    /// Billed time on demand, times memory.
    DurationMemory,
    /// Billed time in provisioned environments, times memory.
    ProvisionedDurationMemory,
    /// Billed time on demand, times vCPUs.
    DurationVcpu,
    /// Billed time in provisioned environments, times vCPUs.
    ProvisionedDurationVcpu,
    /// Billed time, times the clock rate that goes with the memory.
    DurationClock,
    /// Billed time in provisioned environments, times that clock rate.
    ProvisionedDurationClock,
    /// The time for which environments are provisioned, times memory.
    ProvisionedMemory,
    /// The time for which environments are provisioned, times vCPUs.
    ProvisionedVcpu,
    /// The part of it in which they run nothing, times memory.
    IdleMemory,
    /// The part of it in which they run nothing, times vCPUs.
    IdleVcpu,
    /// CPU time of all requests.
    CpuTime,
    /// Billed time of all requests, times ephemeral storage above the free share.
    EphemeralStorage,
    /// Bytes streamed by all requests, above the free share of each.
    Streamed,
    /// The time for which a snapshot is kept, times memory.
    SnapCache,
    /// Memory restored from snapshots.
    SnapRestore,
    /// The month, once.
    Month,
}

/// What a source is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    /// Whole things.
    Count,
    /// MB·ms.
    MemoryTime,
    /// vCPU·ms.
    VcpuTime,
    /// MHz·ms.
    ClockTime,
    /// ms of CPU.
    CpuTime,
    Bytes,
}

/// Units by what they measure, and how many of what a source counts make one.
const UNITS: &[(&str, Dimension, i128)] = &[
    ("GiB-second", Dimension::MemoryTime, 1_024 * 1_000),
    ("GiB-hour", Dimension::MemoryTime, 1_024 * 3_600_000),
    ("vCPU-second", Dimension::VcpuTime, 1_000),
    ("vCPU-hour", Dimension::VcpuTime, 3_600_000),
    ("GHz-second", Dimension::ClockTime, 1_000 * 1_000),
    ("CPU-millisecond", Dimension::CpuTime, 1),
    ("CPU-hour", Dimension::CpuTime, 3_600_000),
    ("GiB", Dimension::Bytes, 1 << 30),
    ("GB", Dimension::Bytes, 1_000_000_000),
];

impl Source {
    fn dimension(self) -> Dimension {
        match self {
            Self::Requests | Self::ProvisionedRequests | Self::Month => Dimension::Count,
            Self::DurationMemory
            | Self::ProvisionedDurationMemory
            | Self::ProvisionedMemory
            | Self::IdleMemory
            | Self::EphemeralStorage
            | Self::SnapCache => Dimension::MemoryTime,
            Self::DurationVcpu | Self::ProvisionedDurationVcpu | Self::ProvisionedVcpu | Self::IdleVcpu => {
                Dimension::VcpuTime
            }
            Self::DurationClock | Self::ProvisionedDurationClock => Dimension::ClockTime,
            Self::CpuTime => Dimension::CpuTime,
            Self::Streamed | Self::SnapRestore => Dimension::Bytes,
        }
    }

    /// How much of it makes one `unit`; or the units that would do.
    pub(super) fn per_unit(self, unit: &str) -> Result<i128, String> {
        let dimension = self.dimension();
        let known = UNITS.iter().find(|(name, ..)| *name == unit);
        match known {
            Some((_, of, size)) if *of == dimension => Ok(*size),
            None if dimension == Dimension::Count => Ok(1),
            _ => {
                let fitting = UNITS.iter().filter(|(_, of, _)| *of == dimension).map(|(name, ..)| *name);
                let fitting = fitting.collect::<Vec<_>>().join(" or ");
                let fitting = if fitting.is_empty() { "a name of things, such as request" } else { &fitting };
                Err(format!("the unit '{unit}' does not fit what the meter counts: write {fitting}"))
            }
        }
    }

    /// The fields of a workload that it depends on in every book.
    pub(super) fn fields(self) -> &'static [&'static str] {
        const CAPACITY: [&str; 2] = ["provisioned.concurrency", "provisioned.seconds"];
        const IDLE: [&str; 4] =
            ["provisioned.concurrency", "provisioned.seconds", "provisioned.requests", "provisioned.duration_ms"];
        match self {
            Self::Requests => &["requests"],
            Self::ProvisionedRequests => &["provisioned.requests"],
            Self::DurationMemory | Self::DurationClock => &["requests", "duration_ms", "memory_mb"],
            Self::DurationVcpu => &["requests", "duration_ms", "vcpu"],
            Self::ProvisionedDurationMemory | Self::ProvisionedDurationClock => {
                &["provisioned.requests", "provisioned.duration_ms", "memory_mb"]
            }
            Self::ProvisionedDurationVcpu => &["provisioned.requests", "provisioned.duration_ms", "vcpu"],
            Self::ProvisionedMemory => &[CAPACITY[0], CAPACITY[1], "memory_mb"],
            Self::ProvisionedVcpu => &[CAPACITY[0], CAPACITY[1], "vcpu"],
            Self::IdleMemory => &[IDLE[0], IDLE[1], IDLE[2], IDLE[3], "memory_mb"],
            Self::IdleVcpu => &[IDLE[0], IDLE[1], IDLE[2], IDLE[3], "vcpu"],
            Self::CpuTime => &["requests", "provisioned.requests", "cpu_ms"],
            Self::EphemeralStorage => {
                &["requests", "duration_ms", "provisioned.requests", "provisioned.duration_ms", "ephemeral_storage_mb"]
            }
            Self::Streamed => &["requests", "provisioned.requests", "streamed_bytes_per_request"],
            Self::SnapCache => &["snap_start.cached_seconds", "memory_mb"],
            Self::SnapRestore => &["snap_start.restores", "memory_mb"],
            Self::Month => &[],
        }
    }

    /// Whether it is made of billed time, which init and shared instances change.
    pub(super) fn is_billed_time(self) -> bool {
        matches!(
            self,
            Self::DurationMemory
                | Self::DurationVcpu
                | Self::DurationClock
                | Self::ProvisionedDurationMemory
                | Self::ProvisionedDurationVcpu
                | Self::ProvisionedDurationClock
                | Self::IdleMemory
                | Self::IdleVcpu
                | Self::EphemeralStorage
        )
    }

    /// Whole parts of what it is counted in, in which records are summed: ns of CPU, thousandths of a vCPU.
    pub(super) fn parts(self) -> i128 {
        match self.dimension() {
            Dimension::CpuTime => 1_000_000,
            Dimension::VcpuTime => 1_000,
            _ => 1,
        }
    }

    /// Whether the list price of an invocation holds it.
    pub(super) fn is_listed(self) -> bool {
        self.is_of_requests() && self != Self::Streamed
    }

    /// Whether it is of requests rather than of what stands ready or is kept.
    pub(super) fn is_of_requests(self) -> bool {
        !matches!(
            self,
            Self::ProvisionedMemory
                | Self::ProvisionedVcpu
                | Self::IdleMemory
                | Self::IdleVcpu
                | Self::SnapCache
                | Self::SnapRestore
                | Self::Month
        )
    }
}

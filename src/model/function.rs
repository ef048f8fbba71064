//! A function and its versions, as everyone but the catalog sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use crate::units::{Megabytes, Timestamp};

use super::UnknownWord;

/// What a function is billed as running on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// `x86_64`
    X86_64,
    /// `arm64`
    Arm64,
}

impl Architecture {
    /// The word in columns and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

impl FromStr for Architecture {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "x86_64" => Ok(Self::X86_64),
            "arm64" => Ok(Self::Arm64),
            _ => Err(UnknownWord::new(text, "an architecture: x86_64 or arm64")),
        }
    }
}

/// How a function is to run: what `deploy` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// Its name, checked by `check_name`.
    pub name: String,
    /// Whom it belongs to.
    pub tenant: String,
    /// Memory limit, 1 to 4096 MB.
    pub memory: Megabytes,
    /// Wall-clock limit of init and handler together.
    pub timeout: Duration,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Cost allocation tags.
    pub tags: BTreeMap<String, String>,
    /// What it is billed as running on.
    pub architecture: Architecture,
    /// Ephemeral storage, 512 to 10240 MB.
    pub ephemeral_storage: Megabytes,
    /// Calls at once, at most, and set aside for it out of the account's while a version is active; none is no limit of its
    /// own. 0 stops the function.
    pub reserved_concurrency: Option<u32>,
    /// Environments that are started ahead of calls and kept (0), and calls at once that are set aside for them; calls
    /// past them start their own.
    pub provisioned_concurrency: u32,
    /// Calls admitted a second, at most, with a burst of one second's worth; none is no limit of its own.
    pub rate_per_s: Option<u32>,
    /// Whether each environment serves one call and is then dropped.
    pub single_use: bool,
    /// Whether the guest's instructions are counted as fuel: repeatable figures, slower calls.
    pub fuel: bool,
    /// Hosts that it may call, `host` or `host:port`; none by default.
    pub allowed_hosts: BTreeSet<String>,
    /// The price book's id, such as `aws-lambda`.
    pub price_book: String,
}

/// Where a version stands on its way from upload to running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionState {
    /// Waiting for the compiler.
    Pending,
    /// Ready to run.
    Active,
    /// Not runnable, and why.
    Failed(String),
}

impl VersionState {
    /// The word in the API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Failed(_) => "failed",
        }
    }
}

/// One deployed version of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionVersion {
    /// How it is to run.
    pub spec: FunctionSpec,
    /// 1, 2, 3, ... for each name.
    pub version: u32,
    /// SHA-256 of the deployed module's binary form, lower-case hex.
    pub sha256: String,
    /// Where it stands.
    pub state: VersionState,
    /// When it was deployed.
    pub deployed_at: Timestamp,
}

/// Why a specification was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecError {
    /// The function's or the tenant's name is wrong.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A number is outside its range.
    #[error("{what} is {value}: it must be from {least} to {most}")]
    OutOfRange { what: &'static str, value: u64, least: u64, most: u64 },
    /// A variable's name cannot be one.
    #[error(
        "'{0}' is not the name of an environment variable: use letters, digits and '_', not beginning with a digit"
    )]
    VariableName(String),
    /// A tag's key or value is too long or empty.
    #[error("the tag '{0}' is not allowed: keys have 1 to 128 characters, values at most 256")]
    Tag(String),
    /// What may be called is not a host.
    #[error("'{0}' is not a host that can be allowed: give a name or an address, with ':port' where only one is meant")]
    Host(String),
    /// Two settings cannot both hold.
    #[error("{0}")]
    Contradiction(&'static str),
}

impl FunctionSpec {
    /// A function of this name as `deploy` has it where nothing else is said.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            tenant: "default".to_owned(),
            memory: Megabytes(128),
            timeout: Duration::from_secs(3),
            env: BTreeMap::new(),
            tags: BTreeMap::new(),
            architecture: Architecture::X86_64,
            ephemeral_storage: Megabytes(512),
            reserved_concurrency: None,
            provisioned_concurrency: 0,
            rate_per_s: None,
            single_use: false,
            fuel: false,
            allowed_hosts: BTreeSet::new(),
            price_book: "aws-lambda".to_owned(),
        }
    }

    /// Checks every limit that a deployment must keep.
    pub fn check(&self) -> Result<(), SpecError> {
        let within = |what, value: u64, least, most| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(SpecError::OutOfRange { what, value, least, most })
            }
        };
        check_name(&self.name, "function")?;
        check_name(&self.tenant, "tenant")?;
        within("memory_mb", u64::from(self.memory.0), 1, 4_096)?;
        within("timeout_ms", u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX), 1, 900_000)?;
        within("ephemeral_storage_mb", u64::from(self.ephemeral_storage.0), 512, 10_240)?;
        if let Some(reserved) = self.reserved_concurrency {
            within("reserved_concurrency", u64::from(reserved), 0, 100_000)?;
        }
        let provisioned = u64::from(self.provisioned_concurrency);
        within("provisioned_concurrency", provisioned, 0, u64::from(self.reserved_concurrency.unwrap_or(1_000)))?;
        if self.single_use && provisioned > 0 {
            return Err(SpecError::Contradiction("environments used once cannot be provisioned: they never wait"));
        }
        if let Some(rate) = self.rate_per_s {
            within("rate_per_s", u64::from(rate), 1, 1_000_000)?;
        }
        within("the number of allowed hosts", self.allowed_hosts.len() as u64, 0, 50)?;
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_host(host)) {
            return Err(SpecError::Host(host.clone()));
        }
        let env_bytes: usize = self.env.iter().map(|(name, value)| name.len() + value.len()).sum();
        within("the size of all environment variables in bytes", env_bytes as u64, 0, 4_096)?;
        within("the number of tags", self.tags.len() as u64, 0, 50)?;
        if let Some(name) = self.env.keys().find(|name| !is_variable_name(name)) {
            return Err(SpecError::VariableName(name.clone()));
        }
        let too_long = |(key, value): &(&String, &String)| key.is_empty() || key.len() > 128 || value.len() > 256;
        self.tags.iter().find(too_long).map_or(Ok(()), |(key, _)| Err(SpecError::Tag(key.clone())))
    }
}

/// A host, as in the authority of a URL, with or without a port.
fn is_host(text: &str) -> bool {
    text.parse::<http::uri::Authority>().is_ok_and(|authority| {
        let port = text.strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':'));
        let named = !authority.host().is_empty() && !text.contains('@');
        named && (text == authority.host() || port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)))
    })
}

fn is_variable_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(plain)
}

/// Why a name was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{name}' is not a {what} name: use 1 to 64 of a-z, A-Z, 0-9, '-' and '_', beginning with a letter or digit")]
pub struct NameError {
    name: String,
    what: &'static str,
}

/// Checks the name of a function or tenant (`what` names which).
pub fn check_name(name: &str, what: &'static str) -> Result<(), NameError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && name.len() <= 64 && name.chars().all(plain) {
        Ok(())
    } else {
        Err(NameError { name: name.to_owned(), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in ["api.example.com", "127.0.0.1:8080", "[::1]:443", "localhost"] {
            assert!(is_host(good), "{good}");
        }
        for wrong in ["", "a b", "http://a", "a:0", "a:", "a:99999", "me@a", "a/b", ":80"] {
            assert!(!is_host(wrong), "{wrong}");
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let spec = FunctionSpec { provisioned_concurrency: 3, ..FunctionSpec::new("f") };
        assert_eq!(spec.check(), Ok(()));
        assert!(FunctionSpec { single_use: true, ..spec.clone() }.check().is_err());
        assert!(FunctionSpec { reserved_concurrency: Some(2), ..spec }.check().is_err());
    }

    #[test]
    fn names_are_plain_and_short() {
        for good in ["a", "Checkout-2", "0_x", &"a".repeat(64)] {
            assert!(check_name(good, "function").is_ok(), "{good}");
        }
        for wrong in ["", "-a", "_a", "a b", "a/b", "..", "ä", &"a".repeat(65)] {
            assert!(check_name(wrong, "function").is_err(), "{wrong}");
        }
    }
}

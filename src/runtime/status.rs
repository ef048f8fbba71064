//! What the runtime says of itself, for `/metrics`. It counts nothing.

/// The runtime's own figures.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Calls admitted and not yet done.
    pub running: u64,
    /// Warm environments that wait for a call; provisioned ones are counted apart.
    pub idle_environments: u64,
    /// Artifacts compiled since the start.
    pub compiled: u64,
    /// Functions that have provisioned environments, by name.
    pub provisioned: Vec<Provisioned>,
}

/// The provisioned environments of one function's active version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// The function.
    pub function: String,
    /// Environments to have: `FunctionSpec::provisioned_concurrency`.
    pub wanted: u32,
    /// Environments that are started, those in use included.
    pub ready: u32,
    /// Environments that a call runs in.
    pub in_use: u32,
    /// Calls since the start, or since the function was first deployed, that found none free and ran in an environment
    /// started for a call: AWS calls it `ProvisionedConcurrencySpilloverInvocations`.
    pub spillovers: u64,
}

//! SHA-256 of a file, as manifests and HTTP headers write it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of what it is as JSON, which is held nowhere.
    pub(super) fn of_json(content: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut hasher = Sha256::new();
        serde_json::to_writer(&mut hasher, content)?;
        Ok(Self(hasher.finalize().into()))
    }

    /// As `repr-digest` has it (RFC 9530): `sha-256=:…:`.
    #[must_use]
    pub fn repr_digest(&self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(self.0))
    }
}

/// In hex.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

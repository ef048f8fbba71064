//! Traces: which there are, by what is asked for, and what one of them is made of. Pages and API show the same.

pub(super) mod filter;
pub(super) mod read;
pub(super) mod scatter;
pub(super) mod search;
pub(super) mod tree;

use serde::Serialize;
use utoipa::ToSchema;

use crate::units::TraceId;

use tree::Cost;

/// An amount and its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Amount {
    /// Exact, all digits.
    #[schema(examples("0.0000166667"))]
    amount: String,
    /// ISO 4217; empty where the record does not say.
    currency: String,
}

impl Amount {
    fn of(cost: &Cost) -> Vec<Self> {
        let of = |(currency, amount): (&String, &crate::units::Money)| Self {
            amount: amount.to_string(),
            currency: currency.clone(),
        };
        cost.0.iter().map(of).collect()
    }

    /// `0.0000166667 USD`
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.amount, self.currency).trim_end().to_owned()
    }
}

/// Reads a trace's id: 32 hex digits in either case, with or without hyphens, or as X-Ray writes it.
pub(super) fn trace_id(text: &str) -> Option<TraceId> {
    let text = text.trim();
    let plain = text.strip_prefix("1-").filter(|rest| rest.len() == 33).unwrap_or(text);
    plain.replace('-', "").to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_people_have_them() {
        let id = "5759e988bd862e3fe1be46a994272793";
        let written = [
            id,
            "5759E988BD862E3FE1BE46A994272793",
            " 1-5759e988-bd862e3fe1be46a994272793",
            "5759e988-bd86-2e3f-e1be-46a994272793",
        ];
        for text in written {
            assert_eq!(trace_id(text).map(|id| id.to_string()).as_deref(), Some(id), "{text}");
        }
        for wrong in ["", "x", "00000000000000000000000000000000", "1-5759e988", "5759e988bd862e3fe1be46a99427279"] {
            assert_eq!(trace_id(wrong), None, "{wrong}");
        }
    }
}

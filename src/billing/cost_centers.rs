//! Cost centers: rules that say to which of them usage belongs, by tenant, function and tag. They are looked at when a
//! report is made, so that a new rule holds for months that are long over too, and no record changes.

use serde::Deserialize;

use super::counting::Owner;

/// What belongs to a cost center: usage to which all applies that is said. A center may have several rules.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostCenter {
    /// What the center is called.
    pub name: String,
    /// Of this tenant only.
    pub tenant: Option<String>,
    /// Of this function only; a `*` at the end stands for any rest.
    pub function: Option<String>,
    /// With this tag only, `KEY:VALUE`; `KEY:*` for any value.
    pub tag: Option<String>,
}

impl CostCenter {
    /// What is wrong with the rule.
    pub fn check(&self) -> Result<(), String> {
        let Self { name, tenant, function, tag } = self;
        if name.is_empty() {
            return Err("a cost center needs a name".to_owned());
        }
        if tenant.is_none() && function.is_none() && tag.is_none() {
            return Err(format!("the cost center '{name}' says neither tenant nor function nor tag"));
        }
        match tag.as_deref().map(|tag| tag.split_once(':')) {
            Some(None) => {
                Err(format!("the cost center '{name}' has the tag '{}': write KEY:VALUE", tag.as_deref().unwrap_or("")))
            }
            _ => Ok(()),
        }
    }

    fn takes(&self, owner: &Owner) -> bool {
        let tenant = self.tenant.as_ref().is_none_or(|tenant| *tenant == owner.tenant);
        let function = self.function.as_ref().is_none_or(|function| fits(function, &owner.function));
        let tag = self.tag.as_ref().is_none_or(|tag| {
            let (key, value) = tag.split_once(':').unwrap_or((tag, "*"));
            owner.tags.get(key).is_some_and(|own| fits(value, own))
        });
        tenant && function && tag
    }
}

/// Whose it is: the first rule that takes it says so; `""` where none does.
pub(super) fn center<'a>(rules: &'a [CostCenter], owner: &Owner) -> &'a str {
    rules.iter().find(|rule| rule.takes(owner)).map_or("", |rule| &rule.name)
}

fn fits(wanted: &str, found: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => found.starts_with(start),
        None => wanted == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, tenant: Option<&str>, function: Option<&str>, tag: Option<&str>) -> CostCenter {
        let text = |text: Option<&str>| text.map(str::to_owned);
        CostCenter { name: name.to_owned(), tenant: text(tenant), function: text(function), tag: text(tag) }
    }

    #[test]
    fn the_first_rule_that_fits_takes_the_usage() {
        let rules = [
            rule("Payments", Some("shop"), Some("pay-*"), None),
            rule("Web", None, None, Some("team:web")),
            rule("Tagged", None, None, Some("team:*")),
            rule("Shop", Some("shop"), None, None),
        ];
        let owner = |tenant: &str, function: &str, team: Option<&str>| Owner {
            tenant: tenant.to_owned(),
            function: function.to_owned(),
            tags: team.map(|team| ("team".to_owned(), team.to_owned())).into_iter().collect(),
        };
        assert_eq!(center(&rules, &owner("shop", "pay-card", Some("web"))), "Payments");
        assert_eq!(center(&rules, &owner("other", "pay-card", Some("web"))), "Web");
        assert_eq!(center(&rules, &owner("other", "f", Some("data"))), "Tagged");
        assert_eq!(center(&rules, &owner("shop", "f", None)), "Shop");
        assert_eq!(center(&rules, &owner("other", "f", None)), "");
    }

    #[test]
    fn a_rule_that_says_nothing_is_refused() {
        assert!(rule("A", None, None, None).check().is_err_and(|error| error.contains("'A' says neither")));
        assert!(rule("", Some("t"), None, None).check().is_err_and(|error| error.contains("needs a name")));
        assert!(rule("A", None, None, Some("team")).check().is_err_and(|error| error.contains("KEY:VALUE")));
        assert_eq!(rule("A", None, None, Some("team:web")).check(), Ok(()));
    }
}

//! What the server is set to, as plain facts for the page of settings. They are gathered where every part's Config is seen.

use std::time::Duration;

/// What the server is set to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Settings by what they are about.
    pub sections: Vec<Section>,
    /// For how many days the rows of each table are kept.
    pub retention_days: Vec<(&'static str, u32)>,
    /// The same for tenants that have their own: tenant, table, days.
    pub tenant_retention_days: Vec<(String, &'static str, u32)>,
}

/// Settings about one thing.
#[derive(Debug, Clone)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// In reading order.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// What it is called.
    pub title: String,
    /// What it is set to.
    pub value: Value,
    /// Where to change it: keys of the configuration file, options of the command line. Empty where it cannot be.
    pub keys: &'static [&'static str],
}

/// A value with its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// As it is.
    Text(String),
    /// Things counted.
    Count(u64),
    /// Things a second, at most; none is no limit.
    PerSecond(Option<u32>),
    /// Things at once, at most; none is no limit.
    AtOnce(Option<u32>),
    /// Bytes; none is no limit.
    Bytes(Option<u64>),
    /// A length of time.
    Length(Duration),
    /// Whole days.
    Days(u32),
}

impl Settings {
    /// What a key of the configuration file is set to.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&Setting> {
        let mut all = self.sections.iter().flat_map(|section| &section.settings);
        all.find(|setting| setting.keys.contains(&key))
    }

    /// For how many days the rows of a table are kept.
    #[must_use]
    pub fn kept_days(&self, table: &str) -> Option<u32> {
        self.retention_days.iter().find(|(name, _)| *name == table).map(|(_, days)| *days)
    }

    /// For how many days the rows of a table are kept that are of this tenant; of any where it is empty, the longest.
    #[must_use]
    pub fn kept_days_of(&self, tenant: &str, table: &str) -> Option<u32> {
        let of_table = self.tenant_retention_days.iter().filter(|(_, name, _)| *name == table);
        let mut own = of_table.filter(|(name, ..)| tenant.is_empty() || name == tenant).map(|(.., days)| *days);
        if tenant.is_empty() { own.chain(self.kept_days(table)).max() } else { own.next().or(self.kept_days(table)) }
    }
}

//! The format of a dashboard's file. How it is read is `read`'s, what a sound one says is checked in `check`.

use serde::{Deserialize, Serialize};

/// A board: `dashboards/<name>.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// The file's name without `.toml`.
    #[serde(skip_deserializing)]
    pub name: String,
    /// What the navigation and the page say.
    pub title: String,
    /// What the board is for, in a sentence.
    #[serde(default)]
    pub about: String,
    /// Where the page is; `/dashboards/<name>` where none is given.
    #[serde(default)]
    pub path: String,
    /// The place in the navigation; boards of users come after those of the program.
    #[serde(default = "last")]
    pub order: u32,
    /// Whether it is in the navigation (yes).
    #[serde(default = "yes")]
    pub listed: bool,
    /// What a reader may set beside the range and the filters, for queries that declare a parameter of that name.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// In reading order.
    pub panels: Vec<Panel>,
}

/// Something that a reader may set: `var-<name>` in the URL, `$<name>` in queries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Names it in URLs and queries.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it takes.
    pub kind: VariableKind,
    /// Its value where the URL says none.
    pub default: String,
    /// What it may be set to; anything of its kind where none is named.
    #[serde(default)]
    pub options: Vec<String>,
}

/// What a variable takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariableKind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// A decimal number, as exact as money.
    Decimal,
}

/// One panel of a board: a query and how its answer is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// Names the panel within the board; part of URLs.
    pub id: String,
    /// The heading.
    pub title: String,
    /// What is shown, how it is counted, what to do about it: the panel's help.
    #[serde(default)]
    pub about: String,
    /// How it is shown.
    pub kind: Kind,
    /// The named query: `queries/<query>.sql`.
    pub query: String,
    /// The unit of values whose column says none.
    #[serde(default)]
    pub unit: Unit,
    /// The room that it takes.
    #[serde(default)]
    pub grid: Grid,
    /// `TimeSeriesChart`: lines, stacked areas or bars.
    #[serde(default)]
    pub display: Display,
    /// `TimeSeriesChart`: the scale of values.
    #[serde(default)]
    pub scale: Scale,
    /// `TimeSeriesChart`, and the trend of a `StatChart`: what a bucket without a row is: nothing, or 0.
    #[serde(default)]
    pub gap: Gap,
    /// `StatChart`: the column that is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `StatChart`: a column with what the value is made of, shown beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// `StatChart`: which way is good.
    #[serde(default)]
    pub better: Better,
    /// `StatChart`: the small line below the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
    /// What columns are called and measured in, in the order in which they are shown. A table shows all columns where
    /// none is named; a chart without a `series` column draws these, or all numbers.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// Lines drawn at values, and colours of a `StatChart` from them on.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
    /// Where a click on the panel's heading leads; the range and the filters go along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// `TimeSeriesChart`, `HeatMapChart`: where a click on a bucket leads, `/traces` where none is given. The bucket and the
    /// filters go along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// `TimeSeriesChart` with a column `series`: which filter its values are, `tenant`, `fn`, `ver`, `region` or `var-NAME`. A
    /// click takes it along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The longest range that it is asked for, such as `24h`: for queries that read raw rows. Of a longer range it shows the
    /// last part, and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_range: Option<String>,
}

/// How a panel is shown; the names are those of Perses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Values over time. The query returns `bucket` (timestamp) and numbers, or `bucket`, `series` and one number.
    TimeSeriesChart,
    /// One value, its change against the time of comparison, and a trend.
    StatChart,
    /// Rows.
    Table,
    /// Counts by time and value: `bucket`, `low`, `high`, `count`.
    #[serde(alias = "HeatmapChart")]
    HeatMapChart,
    /// Counts by value: `low`, `high`, and one count for each series.
    HistogramChart,
    /// A list of bars: `label` and one or several numbers.
    BarChart,
}

/// What values are measured in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A bare number.
    #[default]
    None,
    /// Things counted.
    Count,
    /// A share of one, shown in percent.
    Share,
    /// Nanoseconds, shown in the unit that fits.
    Nanoseconds,
    /// Milliseconds, shown in the unit that fits.
    Milliseconds,
    /// Bytes, shown in KB, MB and GB of 1,024.
    Bytes,
    /// MB of 2^20 bytes, as memory is configured.
    Megabytes,
    /// An exact amount in the currency of the column `currency`.
    Money,
    /// The exact price of one unit in the currency of the column `currency`, with all of its digits.
    Price,
    /// Things a second.
    PerSecond,
    /// A point in time.
    Time,
    /// Text as it is.
    Text,
}

/// The room of a panel: columns of 24, and rows of 40 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Columns.
    pub w: u32,
    /// Rows.
    pub h: u32,
}

impl Default for Grid {
    fn default() -> Self {
        Self { w: 12, h: 7 }
    }
}

/// How series are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Display {
    /// Lines.
    #[default]
    Line,
    /// Areas on top of one another.
    StackedArea,
    /// Bars on top of one another.
    StackedBars,
}

/// The scale of values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// From 0.
    #[default]
    Linear,
    /// Logarithmic, for values that differ by orders of magnitude.
    Log,
}

/// What a bucket without a row is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// No value: rates and percentiles.
    #[default]
    Empty,
    /// The value 0: counts and sums.
    Zero,
}

/// Which way a value is good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Neither.
    #[default]
    Neither,
    /// The lower the better.
    Lower,
    /// The higher the better.
    Higher,
}

/// A small line of values over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// A named query with a column `bucket`.
    pub query: String,
    /// The column that is drawn.
    pub value: String,
}

/// A column of a query's answer, as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The column of the query.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// Its unit; the panel's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// `Table`: whether a bar shows it in proportion to the largest.
    #[serde(default)]
    pub bar: bool,
    /// Where a click leads: `{column}` stands for the row's value; the range and the filters go along. In a
    /// `TimeSeriesChart` a click on the column's series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The colour's name: a phase (`queue`, `load`, `compile`, `instantiate`, `init`, `handler`) or a meaning (`good`, `bad`, `warn`, `calm`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// A value from which on something is to be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// In the panel's unit.
    pub value: f64,
    /// `warn` or `bad`.
    pub color: String,
    /// What it means.
    #[serde(default)]
    pub title: String,
}

fn yes() -> bool {
    true
}

fn last() -> u32 {
    1_000
}

impl AsRef<Self> for Dashboard {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Dashboard {
    /// The panel of this id.
    #[must_use]
    pub fn panel(&self, id: &str) -> Option<&Panel> {
        self.panels.iter().find(|panel| panel.id == id)
    }
}

impl Kind {
    /// The word in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TimeSeriesChart => "TimeSeriesChart",
            Self::StatChart => "StatChart",
            Self::Table => "Table",
            Self::HeatMapChart => "HeatMapChart",
            Self::HistogramChart => "HistogramChart",
            Self::BarChart => "BarChart",
        }
    }
}

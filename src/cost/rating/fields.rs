//! Reads the fields of a JSON object one by one, so that each error names field and value. Numbers are read as the decimals
//! that they are written as.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Error;
use super::ratio::Ratio;

/// Fields that one object may have.
const MAX_FIELDS: usize = 1_000;
/// Characters of a wrong value that an error repeats.
const SHOWN: usize = 60;

/// The fields of an object that have not been taken yet.
pub(super) struct Fields<'a> {
    /// What stands before a field's name, such as `provisioned.` or `[2].`
    place: String,
    left: Vec<(String, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Reads an object; `place` says where it stands, empty for the whole text.
    pub(super) fn read(place: &str, json: &'a RawValue) -> Result<Self, Error> {
        let found: Result<Entries<'a>, _> = serde_json::from_str(json.get());
        let what = if place.is_empty() { "it" } else { place };
        match found {
            Ok(Entries(left)) => {
                let place = if place.is_empty() { String::new() } else { format!("{place}.") };
                Ok(Self { place, left })
            }
            Err(error) if error.is_data() && json.get().starts_with('{') => {
                Err(Error::Workload(format!("{what}: {}", reason(&error))))
            }
            Err(_) => Err(Error::Workload(format!("{what} is {}, an object was expected", shown(json)))),
        }
    }

    /// A number of 0 or more.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<Ratio>, Error> {
        self.take(name, "a number of 0 or more", |json| Ratio::parse(json.get()))
    }

    /// A whole number of 0 or more.
    pub(super) fn whole(&mut self, name: &str) -> Result<Option<i128>, Error> {
        self.take(name, "a whole number of 0 or more", |json| Ratio::parse(json.get())?.as_whole())
    }

    /// A whole number of 1 or more.
    pub(super) fn positive(&mut self, name: &str) -> Result<Option<i128>, Error> {
        let positive = |json: &RawValue| Ratio::parse(json.get())?.as_whole().filter(|number| *number > 0);
        self.take(name, "a whole number of 1 or more", positive)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Error> {
        self.take(name, "true or false", |json| json.get().parse().ok())
    }

    /// A word that `T` is read from; `expected` says which there are.
    pub(super) fn word<T: std::str::FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Error> {
        self.take(name, expected, |json| serde_json::from_str::<String>(json.get()).ok()?.parse().ok())
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Error> {
        let place = format!("{}{name}", self.place);
        self.pull(name).map(|json| Self::read(&place, json)).transpose()
    }

    /// All fields that are left, as numbers or as strings that hold a number or a fraction.
    pub(super) fn quantities(self) -> Result<Vec<(String, Ratio)>, Error> {
        let place = self.place;
        let quantity = |(name, json): (String, &RawValue)| {
            let text = serde_json::from_str::<String>(json.get());
            match Ratio::parse(text.as_deref().unwrap_or(json.get())) {
                Some(quantity) => Ok((name, quantity)),
                None => {
                    Err(wrong(&format!("{place}{name}"), json, "a number of 0 or more, or a string with a fraction"))
                }
            }
        };
        self.left.into_iter().map(quantity).collect()
    }

    /// The names of all fields that are left.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.left.iter().map(|(name, _)| name.clone())
    }

    /// The error for a field that has to be there.
    pub(super) fn missing(&self, name: &str) -> Error {
        Error::Workload(format!("{}{name} is missing", self.place))
    }

    fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl Fn(&RawValue) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let field = |json| read(json).ok_or_else(|| wrong(&format!("{}{name}", self.place), json, expected));
        let at = self.left.iter().position(|(field, _)| field == name);
        let value = at.map(|at| field(self.left[at].1)).transpose()?;
        self.pull(name);
        Ok(value)
    }

    fn pull(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.left.iter().position(|(field, _)| field == name)?;
        Some(self.left.swap_remove(at).1)
    }
}

fn wrong(field: &str, json: &RawValue, expected: &str) -> Error {
    Error::Workload(format!("{field} is {}, {expected} was expected", shown(json)))
}

/// A value for an error, cut where it is long.
fn shown(json: &RawValue) -> String {
    let one_line = json.get().split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &one_line[..at]),
        None => one_line,
    }
}

/// What a JSON error says, without the place in a part of the text.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// An object's fields in their order, each name once.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Self::Value = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if entries.len() == MAX_FIELDS {
                        return Err(A::Error::custom(format!("there are more than {MAX_FIELDS} fields")));
                    }
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format!("the field '{name}' is there twice")));
                    }
                    entries.push((name, value));
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Object).map(Entries)
    }
}

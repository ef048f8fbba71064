//! The named queries: the files of `queries/`, read once, and those that are added to them while the program runs. What
//! they answer stands in the files.

use std::sync::{Arc, PoisonError, RwLock};

use super::Error;
use super::header::{ColumnDoc, Header, HeaderFault, ParamDoc};

/// A named query, as its file's head describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedQuery {
    /// The file's name without `.sql`.
    pub name: Arc<str>,
    /// What it answers.
    pub doc: String,
    /// Its parameters.
    pub params: Vec<ParamDoc>,
    /// The columns that it returns, in order.
    pub columns: Vec<ColumnDoc>,
    /// The file's text.
    pub sql: Arc<str>,
}

impl NamedQuery {
    /// Reads a file's text; the faults name the lines of its head that are not understood.
    pub fn read(name: &str, sql: &str) -> Result<Self, Vec<HeaderFault>> {
        let Header { doc, params, columns } = Header::read(sql)?;
        Ok(Self { name: name.into(), doc, params, columns, sql: sql.into() })
    }
}

/// Every file of `queries/` by name, as the build found them.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/queries.rs"));

/// The named queries there are.
pub(super) struct Named {
    /// Those of the program, by name.
    program: Vec<NamedQuery>,
    /// All of them, by name.
    all: RwLock<Arc<[NamedQuery]>>,
}

impl Named {
    /// Those of the program; fails where a file's head is not understood.
    pub(super) fn embedded() -> Result<Self, Error> {
        let read = |&(name, sql): &(&str, &str)| {
            NamedQuery::read(name, sql).map_err(|faults| {
                let HeaderFault { line, reason } = &faults[0];
                Error::Internal(format!("queries/{name}.sql:{line}: {reason}"))
            })
        };
        let program = FILES.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let all = RwLock::new(program.as_slice().into());
        Ok(Self { program, all })
    }

    /// All as they are now, by name.
    pub(super) fn all(&self) -> Arc<[NamedQuery]> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the program has a query of this name.
    pub(super) fn is_program(&self, name: &str) -> bool {
        self.program.iter().any(|query| *query.name == *name)
    }

    /// Puts these beside those of the program, in place of what was added before; refuses a name that is taken.
    pub(super) fn add(&self, added: Vec<NamedQuery>) -> Result<(), Error> {
        if let Some(taken) = added.iter().find(|query| self.is_program(&query.name)) {
            return Err(Error::Invalid(format!("the program has a query '{}' already", taken.name)));
        }
        let mut all = self.program.clone();
        all.extend(added);
        all.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(twice) = all.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(Error::Invalid(format!("there are two queries '{}'", twice[0].name)));
        }
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = all.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str) -> NamedQuery {
        NamedQuery::read(name, "-- One.\nSELECT 1 AS one").unwrap()
    }

    #[test]
    fn added_queries_stand_beside_those_of_the_program() {
        let named = Named::embedded().unwrap();
        let before = named.all().len();
        named.add(vec![query("zz"), query("aa")]).unwrap();
        let names: Vec<String> = named.all().iter().map(|query| query.name.to_string()).collect();
        assert!(names.is_sorted() && names.len() == before + 2 && names.contains(&"zz".to_owned()), "{names:?}");
        assert!(named.add(vec![query("invocation")]).unwrap_err().to_string().contains("'invocation'"));
        assert!(named.add(vec![query("x"), query("x")]).unwrap_err().to_string().contains("'x'"));
        assert_eq!(named.all().len(), before + 2, "what is refused changes nothing");
        named.add(vec![query("yy")]).unwrap();
        assert_eq!(named.all().len(), before + 1, "what was added before is gone");
    }
}

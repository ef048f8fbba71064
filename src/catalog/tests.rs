//! The catalog over a real database file: numbering, states, restarts.

use std::collections::BTreeSet;

use super::*;
use crate::model::Architecture;
use crate::units::Megabytes;

fn spec(name: &str) -> FunctionSpec {
    FunctionSpec {
        tenant: "shop".to_owned(),
        memory: Megabytes(256),
        timeout: Duration::from_millis(1_500),
        env: BTreeMap::from([("LEVEL".to_owned(), "debug".to_owned())]),
        tags: BTreeMap::from([("team".to_owned(), "a \"b\"".to_owned())]),
        architecture: Architecture::Arm64,
        reserved_concurrency: Some(3),
        provisioned_concurrency: 2,
        rate_per_s: Some(50),
        fuel: true,
        allowed_hosts: BTreeSet::from(["api.example.com:443".to_owned()]),
        ..FunctionSpec::new(name)
    }
}

async fn open(dir: &tempfile::TempDir) -> Catalog {
    Catalog::open(Config { max_functions: 2, ..Config::at(dir.path().join("catalog.db")) }).await.expect("it opens")
}

const AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

#[tokio::test]
async fn versions_count_up_and_survive_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = open(&dir).await;
    let first = catalog.deploy(spec("f"), "aa".to_owned(), AT).await.expect("deployed");
    assert_eq!((first.version, &first.state), (1, &VersionState::Pending));
    catalog.settle("f", 1, VersionState::Active).await.expect("settled");
    let second = catalog.deploy(spec("f"), "bb".to_owned(), AT).await.expect("deployed");
    catalog.settle("f", 2, VersionState::Failed("no memory".to_owned())).await.expect("settled");
    assert_eq!(second.version, 2);
    catalog.close().await;

    let function = open(&dir).await.get("f").expect("it is there");
    assert_eq!(function.latest.state, VersionState::Failed("no memory".to_owned()));
    let active = function.active.expect("version 1 goes on");
    assert_eq!(*active, FunctionVersion { state: VersionState::Active, ..first });
}

#[tokio::test]
async fn a_removed_function_is_gone_and_its_numbering_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = open(&dir).await;
    catalog.deploy(spec("f"), "aa".to_owned(), AT).await.expect("deployed");
    catalog.settle("f", 1, VersionState::Active).await.expect("settled");
    catalog.remove("f", AT).await.expect("removed");
    assert!(catalog.get("f").is_none());
    assert_eq!(catalog.remove("f", AT).await.expect_err("gone").to_string(), "there is no function 'f'");
    let again = catalog.deploy(spec("f"), "aa".to_owned(), AT).await.expect("deployed");
    assert_eq!(again.version, 2);
    assert!(catalog.get("f").expect("back").active.is_none());
}

/// A removal that comes while the compiler works must not be undone by it.
#[tokio::test]
async fn settling_after_a_removal_brings_nothing_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = open(&dir).await;
    catalog.deploy(spec("f"), "aa".to_owned(), AT).await.expect("deployed");
    catalog.remove("f", AT).await.expect("removed");
    catalog.settle("f", 1, VersionState::Active).await.expect("settled");
    assert!(catalog.get("f").is_none());
    catalog.close().await;
    assert!(open(&dir).await.get("f").is_none());
}

#[tokio::test]
async fn lists_page_and_the_catalog_has_a_limit() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = open(&dir).await;
    for name in ["b", "a"] {
        catalog.deploy(spec(name), "aa".to_owned(), AT).await.expect("deployed");
    }
    let names = |after| catalog.list(after, 1).iter().map(|f| f.latest.spec.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(None), ["a"]);
    assert_eq!(names(Some("a")), ["b"]);
    assert!(names(Some("b")).is_empty());
    assert!(matches!(catalog.deploy(spec("c"), "aa".to_owned(), AT).await, Err(Error::TooMany(2))));
    assert!(catalog.deploy(spec("a"), "aa".to_owned(), AT).await.is_ok());
    assert_eq!(catalog.pending().len(), 2);
}

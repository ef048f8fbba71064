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
    assert_eq!(catalog.pending().await.expect("read").len(), 3, "a version that another followed waits too");
}

/// Deploys a version and says that it compiled.
async fn deploy_active(catalog: &Catalog, name: &str) -> u32 {
    let version = catalog.deploy(spec(name), "aa".to_owned(), AT).await.expect("deployed").version;
    catalog.settle(name, version, VersionState::Active).await.expect("settled");
    version
}

fn active(catalog: &Catalog, name: &str) -> Option<u32> {
    catalog.get(name)?.active.map(|active| active.version)
}

#[tokio::test]
async fn every_version_is_found_and_can_be_gone_back_to() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = open(&dir).await;
    for expected in 1..=4 {
        assert_eq!(deploy_active(&catalog, "f").await, expected);
    }
    for version in [4, 2, 2, 1] {
        let found = catalog.version("f", version).await.expect("it is there");
        assert_eq!((found.version, &found.spec, &found.state), (version, &spec("f"), &VersionState::Active));
    }
    let unknown = catalog.version("f", 5).await.expect_err("unknown").to_string();
    assert_eq!(unknown, "function 'f' has no version 5");
    assert!(matches!(catalog.version("g", 1).await, Err(Error::NotFound(_))));

    let list = async |before, limit| {
        let page = catalog.versions("f", before, limit).await.expect("a page");
        page.iter().map(|version| version.version).collect::<Vec<_>>()
    };
    assert_eq!((list(None, 3).await, list(Some(2), 3).await), (vec![4, 3, 2], vec![1]));
    assert!(list(Some(1), 3).await.is_empty() && catalog.versions("g", None, 1).await.is_err());

    catalog.activate("f", 2).await.expect("it compiled");
    assert_eq!(active(&catalog, "f"), Some(2));
    assert!(catalog.activate("f", 5).await.is_err());
    catalog.close().await;
    let catalog = open(&dir).await;
    assert_eq!(active(&catalog, "f"), Some(2), "it survives a restart");
    assert_eq!(deploy_active(&catalog, "f").await, 5);
    assert_eq!(active(&catalog, "f"), Some(5), "a later deployment moves on");
}

#[tokio::test]
async fn all_versions_are_read_with_the_one_that_calls_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = Config { max_versions_read: 4, ..Config::at(dir.path().join("catalog.db")) };
    let catalog = Catalog::open(config).await.expect("it opens");
    assert_eq!(catalog.deployments().await.expect("read"), []);
    deploy_active(&catalog, "g").await;
    catalog.deploy(spec("f"), "aa".to_owned(), AT).await.expect("deployed");
    deploy_active(&catalog, "gone").await;
    catalog.remove("gone", AT).await.expect("removed");
    deploy_active(&catalog, "g").await;
    catalog.activate("g", 1).await.expect("chosen");
    let all = async || {
        let read = catalog.deployments().await.expect("read");
        read.into_iter().map(|d| (d.version.spec.name, d.version.version, d.is_active)).collect::<Vec<_>>()
    };
    let row = |name: &str, version, is_active| (name.to_owned(), version, is_active);
    assert_eq!(all().await, [row("f", 1, false), row("g", 1, true), row("g", 2, false)]);
    let first = catalog.deployments().await.expect("read").remove(0);
    assert_eq!(
        (first.version.spec, first.version.state, first.version.deployed_at),
        (spec("f"), VersionState::Pending, AT)
    );
    deploy_active(&catalog, "gone").await;
    assert_eq!(all().await[3], row("gone", 2, true), "what was removed does not come back");
    deploy_active(&catalog, "f").await;
    let error = catalog.deployments().await.expect_err("one too many").to_string();
    assert!(error.starts_with("the catalog holds more than 4 versions"), "{error}");
}

#[tokio::test]
async fn a_version_that_was_being_compiled_does_not_undo_a_choice() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = open(&dir).await;
    deploy_active(&catalog, "f").await;
    deploy_active(&catalog, "f").await;
    catalog.deploy(spec("f"), "bb".to_owned(), AT).await.expect("deployed");
    assert!(catalog.activate("f", 3).await.is_err(), "it cannot run yet");
    catalog.activate("f", 1).await.expect("chosen");
    catalog.settle("f", 3, VersionState::Active).await.expect("settled");
    assert_eq!(active(&catalog, "f"), Some(1));
    assert_eq!(catalog.get("f").expect("there").latest.state, VersionState::Active);
    catalog.activate("f", 3).await.expect("chosen");
    assert_eq!(active(&catalog, "f"), Some(3));
}

#[tokio::test]
async fn versions_of_a_removed_function_are_gone_for_good() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = open(&dir).await;
    for _ in 0..3 {
        deploy_active(&catalog, "f").await;
    }
    catalog.version("f", 1).await.expect("it is there");
    catalog.remove("f", AT).await.expect("removed");
    assert!(matches!(catalog.version("f", 1).await, Err(Error::NotFound(_))));
    assert_eq!(deploy_active(&catalog, "f").await, 4);
    for gone in 1..=3 {
        assert!(matches!(catalog.version("f", gone).await, Err(Error::NoVersion { .. })), "{gone}");
        assert!(catalog.activate("f", gone).await.is_err(), "{gone}");
    }
    let versions = catalog.versions("f", None, 10).await.expect("a page");
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [4]);
}

//! What `charges` keeps: rows in SQL, no commit where nothing changed, months that are rated again.

use crate::billing::Kind;
use crate::cost::rating::Ratio;
use crate::model::Invocation;

use super::world::{World, month, ratio, record, small_books};

const NOW: &str = "2026-11-20T00:00:00Z";

fn of_two_months() -> Vec<Invocation> {
    let of = |n: usize| {
        let at = format!("2026-{:02}-{:02}T06:00:00Z", 10 + n % 2, n / 2 + 1);
        Invocation {
            billed_ms: Some(900_000),
            tags: [("team".to_owned(), ["shop", "it's"][n % 3 % 2].to_owned())].into(),
            ..record(n, ["checkout", "search"][n / 3 % 2], &at)
        }
    };
    (0..36).map(of).collect()
}

async fn total(world: &World, name: &str) -> Ratio {
    let sql = format!("SELECT CAST(sum(billed_cost) AS TEXT) AS n FROM charges WHERE month = '{name}'");
    let rows = world.rows(&sql).await;
    ratio(rows[0]["n"].as_str().expect("a number"))
}

async fn billed(world: &World, name: &str) -> Ratio {
    let report = world.service.report(Kind::Statement, month(name)).await.expect("it is rated");
    ratio(&report.bills[0].total.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_are_the_bill_and_are_committed_when_they_change() {
    let world = World::new(small_books(), NOW).await;
    assert_eq!(world.rows("SELECT * FROM charges").await.len(), 0);
    world.look().await;
    let version = world.service.charges().version;
    world.add("aws-lambda", of_two_months()).await;
    world.look().await;
    let state = world.service.charges();
    assert_eq!((state.version, &*state.months), (version + 2, &["2026-10".to_owned(), "2026-11".to_owned()][..]));
    assert!(state.rated_through.is_some() && state.rows > 4 && state.failed.is_none());
    for name in ["2026-10", "2026-11"] {
        assert_eq!(total(&world, name).await, billed(&world, name).await, "{name}");
    }
    let rows = world.rows("SELECT * FROM charges ORDER BY month, sku_meter, x_tier, resource_id, tags['team']").await;
    let first = &rows[0];
    let texts =
        ["month", "charge_category", "service_name", "region_id", "sub_account_id", "sku_meter", "pricing_unit"];
    let texts = texts.map(|name| first[name].as_str().expect("text"));
    assert_eq!(texts, ["2026-10", "Usage", "AWS Lambda", "us-east-1", "default", "duration_x86", "GiB-second"]);
    assert_eq!(first["x_price_book"], "aws-lambda@2025-10-01");
    assert!(
        first["tags"]["team"].is_string() && first["billing_period_start"] == "2026-10-01T00:00:00.000000Z",
        "{first:?}"
    );
    for row in &rows {
        let number = |name: &str| row[name].as_str().map_or(Ratio::ZERO, ratio);
        let cost = number("pricing_quantity").times(number("contracted_unit_price")).expect("small");
        assert_eq!((cost, cost), (number("contracted_cost"), number("effective_cost")));
    }
    // Looked at again, with no new records and after a start: the same rows and no commit.
    world.look().await;
    let world = world.again(small_books(), NOW).await;
    assert_eq!(world.service.charges().version, version + 2);
    assert_eq!(world.service.charges().rated_through, state.rated_through);
    assert_eq!(
        world.rows("SELECT * FROM charges ORDER BY month, sku_meter, x_tier, resource_id, tags['team']").await,
        rows
    );
    world.look().await;
    assert_eq!(world.service.charges().version, version + 2);
    // One late record of the month before, that is free of charge altogether: only that month is put anew.
    world.add("aws-lambda", vec![record(99, "late", "2026-10-31T23:59:59.999999Z")]).await;
    world.look().await;
    assert_eq!(world.service.charges().version, version + 3);
    assert_eq!(total(&world, "2026-10").await, billed(&world, "2026-10").await);
    assert_eq!(world.rows("SELECT * FROM charges WHERE resource_id = 'late'").await.len(), 3, "two tiers and requests");
    let untouched = "SELECT DISTINCT x_table_version FROM charges WHERE month = '2026-11'";
    assert_eq!(world.rows(untouched).await[0]["x_table_version"], rows.last().expect("rows")["x_table_version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_have_docs() {
    let world = World::new(small_books(), NOW).await;
    let tables = world.engine.tables().await.expect("they are listed");
    let charges = tables.iter().find(|table| table.name == "charges").expect("it is one");
    assert!(charges.columns.len() > 20);
    for column in &charges.columns {
        assert!(column.doc.contains(", "), "{column:?}");
    }
}

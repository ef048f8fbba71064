//! Whatever happens in whatever order, each row is there once.

use proptest::prelude::*;

use super::super::faulty::Failure;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Append(usize, u64),
    Commit,
    Maintain,
    Wait(u64),
    Reopen(bool),
    Fail(&'static str, bool),
    Heal,
}

fn step() -> impl Strategy<Value = Step> {
    let places = ["joined-", "part-", "invocations/_delta_log", "logs/_delta_log", "_last_checkpoint"];
    prop_oneof![
        6 => (1..4_usize, 0..50_u64).prop_map(|(rows, hours)| Step::Append(rows, hours)),
        5 => Just(Step::Commit),
        5 => Just(Step::Maintain),
        3 => (0..40_u64).prop_map(Step::Wait),
        2 => any::<bool>().prop_map(Step::Reopen),
        3 => (prop::sample::select(places.to_vec()), any::<bool>()).prop_map(|(text, after)| Step::Fail(text, after)),
        1 => Just(Step::Heal),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn every_history_of_joins_and_deletions_keeps_each_row_once(steps in prop::collection::vec(step(), 5..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(history(steps));
    }
}

async fn history(steps: Vec<Step>) {
    let mut bench = Bench::new(|config| {
        config.retention = FOREVER;
        config.maintenance.fan_in = 2;
        config.maintenance.file_rows = 40;
        config.maintenance.vacuum_interval = Duration::ZERO;
    })
    .await;
    for step in steps {
        match step {
            Step::Append(rows, hours) => bench.append(rows, HOUR * u32::try_from(hours).unwrap()).await,
            Step::Commit => drop(bench.store.handle.flush().await),
            Step::Maintain => drop(bench.store.handle.maintain().await),
            Step::Wait(hours) => bench.clock.advance(HOUR * u32::try_from(hours).unwrap()),
            Step::Reopen(crash) => {
                bench.objects.heal();
                bench.reopen(crash).await;
            }
            Step::Fail(text, after) => {
                bench.objects.fail(text, if after { Failure::After } else { Failure::Before }, 1);
            }
            Step::Heal => bench.objects.heal(),
        }
        if matches!(step, Step::Maintain | Step::Reopen(_)) {
            bench.objects.heal();
            bench.check().await;
        }
    }
    bench.objects.heal();
    bench.store.handle.flush().await.unwrap();
    bench.clock.advance(3 * DAY);
    for _ in 0..2 {
        bench.maintain().await;
        bench.clock.advance(2 * DAY);
    }
    bench.check().await;
    for table in [Table::Invocations, Table::Logs] {
        assert_eq!(bench.stored(table).await, bench.files(table).len(), "nothing is left behind");
    }
    bench.store.stop().await.unwrap();
}

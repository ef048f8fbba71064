//! Boards of a folder: everything that is wrong is named, and what is edited is taken up.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::app::Offline;
use crate::clock::Clock;
use crate::config::Config;
use crate::query::{self, Engine, Params};

const SOUND_QUERY: &str = "-- Calls.\n-- param from: timestamp, required\n-- param to: timestamp, required\n\
    -- param step: int = 60\n-- param function: text = null\n-- column bucket: timestamp\n-- column calls: bigint\n\
    -- column function: text\nSELECT started_at AS bucket, count(*) AS calls, function\nFROM invocations\n\
    WHERE started_at >= $from AND started_at < $to AND ($function IS NULL OR function = $function)\n\
    GROUP BY started_at, function\n";

struct Home {
    engine: Engine,
    boards: TempDir,
    _offline: Offline,
    _data: TempDir,
}

async fn home() -> Home {
    let (data, boards) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let offline = Offline::open(Config::at(data.path())).await.unwrap();
    Home { engine: offline.query.clone(), boards, _offline: offline, _data: data }
}

impl Home {
    fn write(&self, file: &str, text: &str) {
        let path = self.boards.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self) -> &Path {
        self.boards.path()
    }

    /// What a check says, each as `FILE:LINE: REASON` with the file's name alone.
    async fn faults(&self) -> Vec<String> {
        let Err(Faults(faults)) = check_folder(&self.engine, self.path()).await else { return Vec::new() };
        let prefix = format!("{}/", self.path().display());
        faults.iter().map(|fault| fault.to_string().replace(&prefix, "")).collect()
    }
}

fn board(panel: &str) -> String {
    format!("title = \"Mine\"\n\n[[panels]]\nid = \"p\"\ntitle = \"P\"\nquery = \"calls\"\n{panel}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_boards_of_the_program_are_right() {
    let home = home().await;
    let counted = check_program(&home.engine).await.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(counted.boards, FILES.len());
    assert!(counted.queries > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_folder_has_no_faults() {
    let home = home().await;
    home.write("calls.sql", SOUND_QUERY);
    home.write("queries/more.sql", "-- One.\nSELECT 1 AS one");
    home.write("mine.toml", &board("kind = \"TimeSeriesChart\"\nmax_range = \"24h\"\n"));
    home.write("notes.txt", "not looked at");
    let counted = check_folder(&home.engine, home.path()).await.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(counted, Counted { boards: 1, queries: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_given_to_queries_that_declare_them_and_each_fault_is_named() {
    let home = home().await;
    let query = "-- A price.\n-- param price: decimal, required\n-- param minutes: int = 5\nSELECT $price AS price, $minutes AS minutes";
    home.write("calls.sql", query);
    let variable = |more: &str| format!("\n[[variables]]\ntitle = \"V\"\n{more}\n");
    let with = |more: &str| {
        let panel = "\n[[panels]]\nid = \"p\"\ntitle = \"P\"\nquery = \"calls\"\nkind = \"Table\"\n";
        format!(
            "title = \"Mine\"\n{}{more}{panel}",
            variable("name = \"price\"\nkind = \"decimal\"\ndefault = \"0.05\"")
        )
    };
    home.write(
        "mine.toml",
        &with(&variable("name = \"minutes\"\nkind = \"int\"\ndefault = \"5\"\noptions = [\"5\", \"15\"]")),
    );
    assert_eq!(home.faults().await, Vec::<String>::new());
    for (more, expected) in [
        ("name = \"tenant\"\nkind = \"text\"\ndefault = \"\"", "panels give $tenant already"),
        ("name = \"price\"\nkind = \"int\"\ndefault = \"1\"", "the name 'price' is that of another variable"),
        ("name = \"A\"\nkind = \"int\"\ndefault = \"1\"", "the name 'A' may have a to z"),
        ("name = \"a\"\nkind = \"int\"\ndefault = \"one\"", "cannot be 'one': it takes a whole number"),
        ("name = \"a\"\nkind = \"text\"\ndefault = \"x\"\noptions = [\"y\"]", "cannot be 'x': it may be y"),
        ("name = \"minutes\"\nkind = \"text\"\ndefault = \"x\"", "takes $minutes as int, and panels give text"),
        ("name = \"a\"\ndefault = \"x\"", "missing field `kind`"),
    ] {
        home.write("mine.toml", &with(&variable(more)));
        let faults = home.faults().await;
        assert!(faults.len() == 1 && faults[0].contains(expected), "{more}: {faults:?}");
    }
    home.write("mine.toml", &board("kind = \"Table\"\n"));
    assert!(home.faults().await[0].contains("requires $price, and panels give from, to"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_panel_is_named() {
    let home = home().await;
    home.write("calls.sql", SOUND_QUERY);
    let cases = [
        ("kind = \"StatChart\"", "mine.toml:7: a StatChart says by 'value'"),
        (
            "kind = \"StatChart\"\nvalue = \"cals\"",
            "mine.toml:8: the query 'calls' returns no column 'cals': is it 'calls'?",
        ),
        (
            "kind = \"StatChart\"\nvalue = \"calls\"\nnote = \"x\"",
            "mine.toml:9: the query 'calls' returns no column 'x'",
        ),
        ("kind = \"Table\"\nvalue = \"calls\"", "mine.toml:8: 'value' is for StatChart, and this is a Table"),
        ("kind = \"Table\"\nscale = \"log\"", "mine.toml:8: 'scale' is for TimeSeriesChart"),
        ("kind = \"Table\"\ngrid = { w = 25, h = 0 }", "mine.toml:8: w = 25: a panel is 1 to 24 columns wide"),
        ("kind = \"Table\"\ngrid = { w = 24,\n h = 31 }", "mine.toml:9: h = 31: a panel is 1 to 30 rows high"),
        ("kind = \"Table\"\nmax_range = \"soon\"", "mine.toml:8: 'soon' is not a length of time"),
        (
            "kind = \"Table\"\nlink = \"javascript:alert(1)\"",
            "mine.toml:8: the link 'javascript:alert(1)' begins with none",
        ),
        ("kind = \"Table\"\nlink = \"/x/{function}\"", "mine.toml:8: {function} stands for a row's value"),
        (
            "kind = \"Table\"\n[[panels.columns]]\nname = \"function\"\ntitle = \"F\"\nlink = \"/functions/{fn}\"",
            "mine.toml:11: the query 'calls' returns no column 'fn'",
        ),
        ("kind = \"Table\"\n[[panels.columns]]\nname = \"f\"\ntitle = \"\"", "mine.toml:10: the title is empty"),
        (
            "kind = \"BarChart\"\n[[panels.columns]]\nname = \"calls\"\ntitle = \"C\"\nbar = true\ncolor = \"red\"",
            "mine.toml:11: 'bar' is for Table",
        ),
        ("kind = \"BarChart\"", "mine.toml:6: the query 'calls' returns no column 'label'"),
        ("kind = \"HeatMapChart\"", "mine.toml:6: the query 'calls' returns no column 'low'"),
        ("kind = \"HistogramChart\"", "mine.toml:6: the query 'calls' returns no column 'high'"),
        (
            "kind = \"TimeSeriesChart\"\n[[panels.columns]]\nname = \"function\"\ntitle = \"F\"",
            "mine.toml:9: a chart draws numbers, and the column 'function' is text",
        ),
        (
            "kind = \"StatChart\"\nvalue = \"calls\"\ntrend = { query = \"last_logs\", value = \"calls\" }",
            "mine.toml:9: the query 'last_logs' returns no column 'bucket'",
        ),
        (
            "kind = \"Table\"\nthresholds = [{ value = 1.0, color = \"red\" }]",
            "mine.toml:8: the color 'red' is not known here",
        ),
    ];
    for (panel, expected) in cases {
        home.write("mine.toml", &board(panel));
        let faults = home.faults().await;
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{expected}: {faults:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_all_files_are_named_at_once() {
    let home = home().await;
    home.write("a.toml", "title = \" \"\npath = \"/costs\"\npanels = []\n");
    home.write(
        "overview.toml",
        "title = \"T\"\n[[panels]]\nid = \"P\"\ntitle = \"\"\nkind = \"Table\"\nquery = \"last_log\"\n",
    );
    home.write(
        "twice.toml",
        "title = \"T\"\n[[panels]]\nid = \"a\"\ntitle = \"A\"\nkind = \"Table\"\nquery = \"odd\"\n\
         [[panels]]\nid = \"a\"\ntitle = \"B\"\nkind = \"Pie\"\nquery = \"odd\"\n",
    );
    home.write("odd.sql", "-- Odd.\n-- param run: text, required\nSELECT $run AS run");
    home.write("bad.sql", "-- Bad.\n-- column a: bigint\n-- column b: bigint\nSELECT 1 AS a,\n  2 AS c");
    home.write("worse.sql", "-- Worse.\n-- param x: number, required\nSELECT 1");
    home.write("worst.sql", "-- Worst.\nSELECT function,\n  nope\nFROM invocations WHERE started_at < $to");
    home.write("invocation.sql", "-- Taken.\nSELECT 1 AS one");
    home.write("write.sql", "-- Writes.\nDROP TABLE invocations");
    home.write("queries/bad.sql", "-- Bad too.\nSELECT 1 AS one");
    let expected = [
        "a.toml:1: the title is empty",
        "a.toml:2: the board is at /dashboards/a: leave 'path' out",
        "bad.sql:3: the head declares the column 'b'",
        "bad.sql:4: the SQL returns the column 'c'",
        "invocation.sql:1: the program has a query 'invocation' already",
        "overview.toml:1: the program has a board 'overview' already",
        "overview.toml:3: the id 'P' may have",
        "overview.toml:4: the title is empty",
        "overview.toml:6: there is no query 'last_log': is it 'last_logs'?",
        "queries/bad.sql:1: there are two queries 'bad'",
        "twice.toml:6: the query 'odd' requires $run, and panels give from, to, step",
        "twice.toml:8: the id 'a' is that of panel 1 too",
        "twice.toml:10: unknown variant `Pie`",
        "worse.sql:2: '-- param x: number, required' is not understood",
        "worst.sql:3: column 'nope' not found",
        "write.sql:2: DROP is not allowed",
    ];
    let faults = home.faults().await;
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{expected}: {faults:#?}");
    }
    let absent = check_folder(&home.engine, &home.path().join("absent")).await.unwrap_err().to_string();
    assert!(absent.contains("absent") && absent.contains("cannot be read"), "{absent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_files_are_taken_up_and_wrong_ones_stay_as_they_were() {
    let home = home().await;
    home.write("calls.sql", SOUND_QUERY);
    home.write("mine.toml", &board("kind = \"Table\""));
    home.write("other.toml", &board("kind = \"Table\"").replace("Mine", "Other"));
    let boards = Boards::open(home.engine.clone(), Some(home.path())).await.unwrap();
    let title = |name: &str| boards.get(name).map(|board| board.title.clone());
    assert_eq!((title("mine").as_deref(), boards.all().len()), (Some("Mine"), FILES.len() + 2));
    let begun = Clock::system().instant();
    let at = |seconds: u64| begun + Duration::from_secs(seconds);
    boards.follow(at(0)).await;

    home.write("mine.toml", &board("kind = \"Table\"").replace("Mine", "Mine, edited"));
    boards.follow(at(1)).await;
    assert_eq!(title("mine").as_deref(), Some("Mine"), "it is early");
    boards.follow(at(3)).await;
    assert_eq!((title("mine").as_deref(), boards.faults()), (Some("Mine, edited"), None));

    home.write("mine.toml", "title = 7");
    home.write("other.toml", &board("kind = \"Table\"").replace("Mine", "Other, edited"));
    boards.follow(at(6)).await;
    assert_eq!(title("mine").as_deref(), Some("Mine, edited"), "the last that was right");
    assert_eq!(title("other").as_deref(), Some("Other, edited"), "the others go on");
    let faults = boards.faults().expect("it says why").to_string();
    assert!(faults.contains("mine.toml:1: invalid type"), "{faults}");

    std::fs::remove_file(home.path().join("calls.sql")).unwrap();
    home.write("mine.toml", &board("kind = \"Table\""));
    boards.follow(at(9)).await;
    assert_eq!(title("mine").as_deref(), Some("Mine, edited"), "its query is gone");
    let params = Params::from([
        ("from".to_owned(), query::Param::Text("2026-01-01".to_owned())),
        ("to".to_owned(), query::Param::Text("2026-01-02".to_owned())),
    ]);
    assert!(home.engine.named("calls", &params).await.is_ok(), "and still answers");

    std::fs::remove_file(home.path().join("other.toml")).unwrap();
    home.write("calls.sql", SOUND_QUERY);
    boards.follow(at(12)).await;
    assert_eq!((title("mine").as_deref(), title("other"), boards.faults()), (Some("Mine"), None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_folder_is_refused_at_the_start() {
    let home = home().await;
    home.write("mine.toml", &board("kind = \"Table\""));
    let refused = Boards::open(home.engine.clone(), Some(home.path())).await.err().unwrap();
    assert!(refused.to_string().contains("mine.toml:6: there is no query 'calls'"), "{refused}");
}

//! Clicks on charts: the bucket, the filters and the series go along.

use super::sight::Sight;
use super::{browser, demo};
use crate::support::server::Server;
use crate::support::wait_until;
use crate::support::webdriver::Browser;

/// The points of a chart's window that lie on series of these names: in stacked bars, the middle of the highest bar of each.
const SPOT: &str = "
    const panel = document.getElementById('panel-PANEL');
    panel.scrollIntoView({ block: 'center' });
    const chart = echarts.getInstanceByDom(panel.querySelector('.canvas'));
    const all = chart.getOption().series.filter(({ data }) => data.length > 0);
    const place = all.findIndex(({ name }) => name === 'SERIES');
    if (place < 0) return all.map(({ name }) => name).join(', ');
    const values = all.map(({ data }) => data.map(([, value]) => value ?? 0));
    const at = values[place].indexOf(Math.max(...values[place]));
    const isStacked = all[place].stack === 'all';
    const below = isStacked ? values.slice(0, place).reduce((sum, list) => sum + list[at], 0) : 0;
    const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [all[place].data[at][0], below + values[place][at] * (isStacked ? 0.5 : 1)]);
    const box = panel.querySelector('.canvas').getBoundingClientRect();
    return [box.x + x, box.y + y, all[place].data[at][0]]";

/// Clicks where the series is highest; the address that this leads to, and the middle of the bucket.
fn click(browser: &Browser, server: &Server, page: &str, panel: &str, series: &str) -> (String, i64) {
    Sight::of(browser, server, page);
    let spot = browser.run(&SPOT.replace("PANEL", panel).replace("SERIES", series));
    let number = |index: usize| spot[index].as_f64().unwrap_or_else(|| panic!("{panel} has no {series} but {spot}"));
    let before = browser.url();
    browser.click_at((number(0).round() as i64, number(1).round() as i64));
    wait_until("the click leads on", || (browser.url() != before).then_some(()));
    (browser.url(), number(2) as i64)
}

/// The range of an address, milliseconds.
fn range(url: &str) -> (i64, i64) {
    let of = |name: &str| {
        let (_, rest) = url.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("{url} has no {name}"));
        rest.split('&').next().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{url}: {name}"))
    };
    (of("from"), of("to"))
}

#[test]
fn a_click_takes_the_series_along() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    browser.size(1_440, 1_000);
    let most = |column: &str, by: &str, of: &str| {
        let sql = format!(
            "SELECT {column} AS found FROM invocations
             WHERE started_at >= now() - INTERVAL '12 hours' AND {of} GROUP BY {column} ORDER BY {by} DESC LIMIT 1"
        );
        server.text(&sql, "found")
    };
    let dearest = most("function", "sum(list_cost)", "true");
    let tenant = most("tenant", "count(*)", &format!("function = '{dearest}'"));
    let version = most("version", "count(*)", "function = 'checkout'");
    let cases = [
        (
            format!("/costs?from=now-12h&tenant={tenant}&tz=local"),
            "by-function-over-time",
            dearest.as_str(),
            vec![format!("fn={dearest}"), format!("tenant={tenant}"), "tz=local".to_owned()],
        ),
        (
            "/functions/checkout?from=now-12h".to_owned(),
            "by-version",
            version.as_str(),
            vec!["fn=checkout".to_owned(), format!("ver={version}")],
        ),
        ("/?from=now-12h".to_owned(), "outcomes", "ok", vec!["outcome=ok".to_owned()]),
        // Few and wide bars: next to one with errors there may be one without.
        ("/errors?from=now-7d&step=6h".to_owned(), "by-class", "error", vec!["outcome=error".to_owned()]),
    ];
    for (page, panel, series, parts) in cases {
        let (url, middle) = click(&browser, &server, &page, panel, series);
        for part in parts {
            assert!(url.contains("/traces?") && url.contains(&part), "{panel}: {part} is not in {url}");
        }
        let (from, to) = range(&url);
        assert!(from < middle && middle < to, "{url} has {middle}");
        Sight::wait(&browser);
        let found = browser.run("return document.querySelectorAll('tbody tr').length");
        assert!(found.as_i64().is_some_and(|rows| rows > 0), "{url} shows nothing");
    }
    // The legend's own link is of the series over the whole range.
    Sight::of(&browser, &server, &format!("/costs?from=now-12h&tenant={tenant}"));
    let links = browser.run(
        "return [...document.querySelectorAll('#panel-by-function-over-time .legend a.go:not([hidden])')]
            .map((link) => link.getAttribute('href'))",
    );
    let links: Vec<&str> = links.as_array().expect("a list").iter().filter_map(|link| link.as_str()).collect();
    let wanted = [format!("fn={dearest}"), format!("tenant={tenant}"), "from=now-12h".to_owned()];
    assert!(links.iter().any(|link| wanted.iter().all(|part| link.contains(part))), "{links:?}");
}

/// From a group of errors to the invocations of that group, and from one of them to all of them again.
#[test]
fn errors_lead_to_their_like() {
    let Some(browser) = browser() else { return };
    let (_home, server) = demo();
    browser.size(1_440, 1_000);
    Sight::of(&browser, &server, "/errors?from=now-7d");
    browser.click("#panel-groups a[href*='fingerprint=']");
    wait_until("a group leads to its invocations", || browser.url().contains("/invocations?").then_some(()));
    Sight::wait(&browser);
    let url = browser.url();
    let group = url.split_once("fingerprint=").map(|(_, rest)| &rest[..16]).expect("a group").to_owned();
    assert!(url.contains("from=now-7d"), "{url}");
    browser.click("tbody a[href^='/invocations/']");
    wait_until("an invocation", || browser.url().contains("/invocations/").then_some(()));
    Sight::wait(&browser);
    browser.click("a[href*='fingerprint=']");
    wait_until("all of its group", || browser.url().contains("/invocations?").then_some(()));
    Sight::wait(&browser);
    assert!(browser.url().contains(&group), "{} is not of {group}", browser.url());
    let rows = browser.run("return document.querySelectorAll('tbody tr').length");
    assert!(rows.as_i64().is_some_and(|rows| rows > 0), "{rows}");
}

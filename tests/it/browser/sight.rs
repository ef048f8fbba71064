//! What a page looks like to somebody who looks at it: whether it has loaded, what its panels show, and what is wrong.

use serde_json::Value;

use crate::support::server::Server;
use crate::support::wait_until;
use crate::support::webdriver::Browser;

/// The panels by their headings, and the numbers that each shows as text.
pub(super) const PANELS: &str = "return [...document.querySelectorAll('section.panel')].map((panel) => [
    panel.querySelector('h2').innerText,
    panel.querySelector('.value') ? panel.querySelector('.value').innerText : null,
    [...panel.querySelectorAll('tbody tr')].length])";

/// Panels that have neither a drawing, nor rows, nor a value, nor say why.
const WITHOUT_DATA: &str = "return [...document.querySelectorAll('section.panel')]
    .filter((panel) => !panel.querySelector('canvas, svg, tbody tr, .value, .notice'))
    .map((panel) => panel.id)";

/// Text that is cut: an element that hides what overflows it, and has a text of its own that does.
const CUT: &str = "
    const seen = (element) => element.offsetParent !== null || element.tagName === 'BODY';
    const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    const cut = [...document.querySelectorAll('body *')].filter((element) => {
        if (!seen(element) || !own(element) || element.closest('.unseen, .skip, .scroll, pre, textarea, select, option, svg')) return false;
        const style = getComputedStyle(element);
        const hides = style.overflowX !== 'visible' || element.tagName === 'TD' || element.tagName === 'TH';
        if (element.title && style.textOverflow === 'ellipsis') return false;
        return hides && style.overflowX !== 'auto' && style.overflowX !== 'scroll' && element.scrollWidth > element.clientWidth + 1;
    }).map((element) => `${element.tagName} '${element.innerText.slice(0, 40)}'`);
    const beyond = [...document.querySelectorAll('main *, header *')].filter((element) => {
        if (!seen(element) || !own(element) || element.closest('.unseen, .skip, .scroll, pre, svg, details:not([open])')) return false;
        const box = element.getBoundingClientRect();
        return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
    }).map((element) => `${element.tagName} '${element.innerText.slice(0, 40)}' leaves the page`);
    return [...cut, ...beyond]";

/// A page that has loaded.
pub(super) struct Sight {
    faults: Vec<String>,
}

impl Sight {
    /// Opens a page of the server and looks at it once it has loaded.
    pub(super) fn of(browser: &Browser, server: &Server, path: &str) -> Self {
        browser.console();
        browser.open(&format!("http://{}{path}", server.address));
        Self::wait(browser);
        Self { faults: faults(browser) }
    }

    /// Waits until no panel is busy.
    pub(super) fn wait(browser: &Browser) {
        wait_until("the page has loaded", || {
            let busy = browser
                .run("return document.readyState !== 'complete' || !!document.querySelector('[aria-busy=true]')");
            (busy == Value::Bool(false)).then_some(())
        });
    }

    /// What is wrong with it, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.clone()
    }
}

fn faults(browser: &Browser) -> Vec<String> {
    let mut faults = Vec::new();
    for (level, text) in browser.console() {
        if level == "SEVERE" || level == "WARNING" {
            faults.push(format!("the console says: {text}"));
        }
    }
    let texts = |script: &str| -> Vec<String> {
        let found = browser.run(script);
        found.as_array().expect("a list").iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
    };
    faults.extend(texts(WITHOUT_DATA).iter().map(|panel| format!("{panel} is empty")));
    faults.extend(texts(CUT).iter().map(|text| format!("text is cut: {text}")));
    let alerts =
        "return [...document.querySelectorAll('[role=alert]')].map((alert) => alert.innerText).filter((text) => text)";
    faults.extend(texts(alerts).iter().map(|text| format!("it says: {text}")));
    let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
    if wide.as_i64().is_some_and(|beyond| beyond > 1) {
        faults.push(format!("the page is {wide} px wider than its window"));
    }
    faults
}

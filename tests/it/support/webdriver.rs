//! A client of the WebDriver protocol, as far as the browser's tests need it, and the driver and browser that it starts.
//! What pages must look like is the tests' to say.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Connection, Request};

/// What the driver prints before its port.
const STARTED: &str = "ChromeDriver was started successfully on port ";

/// A browser without a window, ended with the test.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    /// Deleted with the browser.
    profile: TempDir,
}

impl Browser {
    /// Starts Debian's `chromedriver` and a browser of its own profile; says why there is none.
    pub(crate) fn start() -> Result<Self, String> {
        Self::start_in("UTC")
    }

    /// The same in a time zone, such as `Pacific/Marquesas`.
    pub(crate) fn start_in(zone: &str) -> Result<Self, String> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TZ", zone)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("chromedriver does not start: {error}"))?;
        let mut lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix(STARTED)?.trim_end_matches('.').parse::<u16>().ok());
        std::thread::spawn(move || lines.for_each(drop));
        let port = port.ok_or("chromedriver names no port")?;
        let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut browser = Self { driver, address, session: String::new(), profile };
        let answer = browser.ask("POST", "/session", &browser.wishes())?;
        let session = answer["sessionId"].as_str().ok_or("the driver names no session")?;
        session.clone_into(&mut browser.session);
        Ok(browser)
    }

    fn wishes(&self) -> Value {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-default-apps",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            &profile,
        ];
        json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } })
    }

    /// Opens a page and waits until it has loaded.
    pub(crate) fn open(&self, url: &str) {
        self.command("url", &json!({ "url": url }));
    }

    /// The address that the browser shows.
    pub(crate) fn url(&self) -> String {
        let url = self.ask("GET", &format!("/session/{}/url", self.session), &Value::Null);
        url.expect("the driver answers").as_str().expect("text").to_owned()
    }

    /// Runs a function's body in the page; what it returns is JSON.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// How wide and high the page is shown.
    pub(crate) fn size(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// What the page hears of the system's theme: `light` or `dark`.
    pub(crate) fn scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Moves the pointer along points of the page's window, pressed from the first to the last.
    pub(crate) fn drag(&self, points: &[(i64, i64)]) {
        let at = |(x, y): (i64, i64)| json!({ "type": "pointerMove", "duration": 60, "x": x, "y": y });
        let mut steps = vec![at(points[0]), json!({ "type": "pointerDown", "button": 0 })];
        steps.extend(points[1..].iter().map(|point| at(*point)));
        steps.push(json!({ "type": "pointerUp", "button": 0 }));
        self.pointer(&steps);
    }

    /// Clicks the first element that the selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let found = format!("return !!document.querySelector({})", Value::from(selector));
        super::wait_until(&format!("there is {selector}"), || (self.run(&found) == Value::Bool(true)).then_some(()));
        self.run(&format!("document.querySelector({}).click()", Value::from(selector)));
    }

    /// Moves the pointer to a point of the page's window.
    pub(crate) fn point(&self, (x, y): (i64, i64)) {
        self.pointer(&[json!({ "type": "pointerMove", "duration": 30, "x": x, "y": y })]);
    }

    /// Clicks a point of the page's window.
    pub(crate) fn click_at(&self, (x, y): (i64, i64)) {
        self.drag(&[(x, y), (x, y)]);
    }

    /// Presses a key.
    pub(crate) fn key(&self, key: &str) {
        let steps = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.command("actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": steps }] }));
    }

    fn pointer(&self, steps: &[Value]) {
        let mouse =
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": steps });
        self.command("actions", &json!({ "actions": [mouse] }));
    }

    /// The whole page as a WebP image, at most so high.
    pub(crate) fn screenshot(&self, width: u32, max_height: u32) -> Vec<u8> {
        let height = self.run("return document.documentElement.scrollHeight").as_u64().expect("a number");
        let height = u32::try_from(height).unwrap_or(max_height).min(max_height);
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let options = json!({ "format": "webp", "quality": 82, "captureBeyondViewport": true, "clip": clip });
        let image = self.devtools("Page.captureScreenshot", &options);
        STANDARD.decode(image["data"].as_str().expect("an image")).expect("base64")
    }

    /// What the page wrote to the console since it was asked last: level and text.
    pub(crate) fn console(&self) -> Vec<(String, String)> {
        let entry = |entry: &Value| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (text("level"), text("message"))
        };
        self.log("browser").iter().map(entry).collect()
    }

    /// Bytes that came over the network since it was asked last, as they were sent, and the addresses that were asked for.
    pub(crate) fn network(&self) -> (u64, Vec<String>) {
        let (mut bytes, mut urls) = (0, Vec::new());
        for entry in self.log("performance") {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("null")).unwrap_or_default();
            let (method, params) = (&message["message"]["method"], &message["message"]["params"]);
            match method.as_str() {
                Some("Network.requestWillBeSent") => urls.extend(params["request"]["url"].as_str().map(str::to_owned)),
                Some("Network.loadingFinished") => bytes += params["encodedDataLength"].as_f64().unwrap_or(0.0) as u64,
                _ => {}
            }
        }
        (bytes, urls)
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.command("se/log", &json!({ "type": kind })).as_array().cloned().unwrap_or_default()
    }

    fn devtools(&self, command: &str, params: &Value) -> Value {
        self.command("goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    fn command(&self, name: &str, body: &Value) -> Value {
        let answer = self.ask("POST", &format!("/session/{}/{name}", self.session), body);
        answer.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::new(method, path).header("content-type", "application/json").body(body);
        let mut connection = Connection::open(self.address).map_err(|error| format!("no driver: {error}"))?;
        let response = connection.send(&request).map_err(|error| format!("no answer: {error}"))?;
        let value = response.json()["value"].take();
        if response.status == 200 { Ok(value) } else { Err(format!("{} {value}", response.status)) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ended_already = self.ask("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        let _ended_already = self.driver.kill();
        let _status = self.driver.wait();
    }
}

//! A WebDriver client: the few commands of the W3C protocol that the desktop tests need, as plain JSON over HTTP.
//!
//! Elements are found the way people and screen readers find them, by role and accessible name. Nothing waits for a
//! fixed time: what is not there yet is asked for again until a deadline.

use std::{fmt, path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The longest that anything on a screen may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(50);
/// The longest that one command may take; the driver loses one now and then while a page changes.
const COMMAND: Duration = Duration::from_secs(10);
/// The key under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What the driver, or the way to it, refused.
#[derive(Debug)]
pub struct Problem(pub String);

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

impl From<reqwest::Error> for Problem {
    fn from(problem: reqwest::Error) -> Self {
        Self(format!("the driver did not answer: {problem}"))
    }
}

/// What a command of the driver gives.
pub type Outcome<T> = Result<T, Problem>;

/// Asks again and again until there is an answer or the patience is at its end.
pub async fn attempt<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let asking = async {
        loop {
            steps.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    timeout(PATIENCE, asking).await.ok()
}

/// The same for what has to come.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    match attempt(ask).await {
        Some(answer) => answer,
        None => panic!("within {} s there was no {what}", PATIENCE.as_secs()),
    }
}

/// An application under automation.
pub struct Session {
    http: reqwest::Client,
    address: String,
}

/// An element of the page that the session looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element(String);

/// What people see an element as; each knows which elements can be it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Something to press.
    Button,
    /// Something that leads elsewhere.
    Link,
    /// Something to write in.
    Textbox,
    /// One of several views.
    Tab,
    /// The name of a part of the page.
    Heading,
    /// One of several choices.
    Radio,
    /// What opens a part of the page.
    Disclosure,
}

impl Role {
    fn selector(self) -> &'static str {
        match self {
            Self::Button => "button,[role=button],input[type=submit]",
            Self::Link => "a[href],[role=link]",
            Self::Textbox => "input:not([type=hidden]),textarea,[role=textbox],[role=searchbox]",
            Self::Tab => "[role=tab]",
            Self::Heading => "h1,h2,h3,h4,[role=heading]",
            Self::Radio => "input[type=radio],[role=radio]",
            Self::Disclosure => "summary",
        }
    }
}

impl Session {
    /// Has the driver at `driver` start the program.
    pub async fn start(driver: &str, program: &Path, arguments: &[String]) -> Outcome<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(COMMAND).build()?;
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "webkitgtk:browserOptions": { "binary": program, "args": arguments }
        } } });
        let begun = value(http.post(format!("{driver}/session")).json(&wanted).send().await?).await?;
        let id = text(&begun["sessionId"])?;
        Ok(Self { address: format!("{driver}/session/{id}"), http })
    }

    /// Ends the application.
    pub async fn end(&self) -> Outcome<()> {
        value(self.http.delete(&self.address).send().await?).await.map(drop)
    }

    /// What a script in the page returns. The page's content security policy does not apply to it.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Outcome<Value> {
        self.post("execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// The text that a person can see on the page.
    pub async fn text(&self) -> Outcome<String> {
        self.run("return document.body ? document.body.innerText : ''", &[])
            .await
            .and_then(|seen| text(&seen))
    }

    /// Waits for words on the page, and gives all its text.
    pub async fn sees(&self, words: &str) -> String {
        let mut last = String::new();
        let seen = attempt(async || {
            last = self.text().await.unwrap_or_else(|problem| problem.to_string());
            last.to_lowercase().contains(&words.to_lowercase()).then_some(())
        })
        .await;
        assert!(seen.is_some(), "the page never said {words:?}; it says:\n{last}");
        last
    }

    /// The elements of this role whose accessible name passes.
    pub async fn all(&self, role: Role, named: impl Fn(&str) -> bool) -> Outcome<Vec<Element>> {
        let found =
            self.post("elements", json!({ "using": "css selector", "value": role.selector() })).await?;
        let mut passed = Vec::new();
        for element in found.as_array().into_iter().flatten() {
            let element = Element(text(&element[ELEMENT])?);
            // An element may be gone by the time it is asked: then it is not the one.
            if self.name(&element).await.is_ok_and(|name| named(&name)) {
                passed.push(element);
            }
        }
        Ok(passed)
    }

    /// The accessible name of an element.
    pub async fn name(&self, element: &Element) -> Outcome<String> {
        self.get(&format!("element/{}/computedlabel", element.0)).await.and_then(|name| text(&name))
    }

    /// Waits for an element of this role with a name that passes.
    pub async fn find_by(&self, role: Role, what: &str, named: impl Fn(&str) -> bool) -> Element {
        let mut last = String::new();
        let found = attempt(async || match self.all(role, &named).await {
            Ok(found) => found.into_iter().next(),
            Err(problem) => {
                last = problem.to_string();
                None
            }
        })
        .await;
        match found {
            Some(element) => element,
            None => panic!(
                "there is no {role:?} {what:?} {last}; the page says:\n{}",
                self.text().await.unwrap_or_default()
            ),
        }
    }

    /// Waits for the element of this role and name.
    pub async fn find(&self, role: Role, name: &str) -> Element {
        self.find_by(role, name, |found| found.trim() == name).await
    }

    /// Presses the element of this role and name once it can be pressed.
    pub async fn press(&self, role: Role, name: &str) {
        self.press_by(role, name, |found| found.trim() == name).await;
    }

    /// Presses the element of this role with a name that passes, once it can be pressed.
    pub async fn press_by(&self, role: Role, what: &str, named: impl Fn(&str) -> bool) {
        let mut last = String::new();
        let pressed = attempt(async || match self.try_press(role, &named).await {
            Ok(()) => Some(()),
            Err(problem) => {
                last = problem.to_string();
                None
            }
        })
        .await;
        if pressed.is_none() {
            let page = self.text().await.unwrap_or_default();
            panic!("{role:?} {what:?} cannot be pressed: {last}; the page says:\n{page}");
        }
    }

    async fn try_press(&self, role: Role, named: impl Fn(&str) -> bool) -> Outcome<()> {
        let found = self.all(role, named).await?;
        let element = found.first().ok_or_else(|| Problem("it is not there".to_owned()))?;
        if self.get(&format!("element/{}/enabled", element.0)).await? != Value::Bool(true) {
            return Err(Problem("it is disabled".to_owned()));
        }
        self.click(element).await
    }

    /// Clicks an element.
    pub async fn click(&self, element: &Element) -> Outcome<()> {
        self.post(&format!("element/{}/click", element.0), json!({})).await.map(drop)
    }

    /// Presses an element whose press closes its own window: an ordinary click would wait for that window forever.
    pub async fn press_and_leave(&self, element: &Element) -> Outcome<()> {
        let script = "const element = arguments[0]; setTimeout(() => element.click(), 0)";
        match self.run(script, &[json!({ ELEMENT: element.0 })]).await {
            // The page may be gone before the driver has read its answer; what comes of the press shows that it came through.
            Err(problem) if problem.0.contains("Could not parse script result") => Ok(()),
            pressed => pressed.map(drop),
        }
    }

    /// Replaces what is written in a field.
    pub async fn write(&self, field: &Element, words: &str) -> Outcome<()> {
        self.post(&format!("element/{}/clear", field.0), json!({})).await?;
        self.post(&format!("element/{}/value", field.0), json!({ "text": words })).await.map(drop)
    }

    /// Replaces what is written in the field of this name.
    pub async fn fill(&self, name: &str, words: &str) {
        let field = self.find(Role::Textbox, name).await;
        until(&format!("{words:?} in the field {name}"), async || {
            self.write(&field, words).await.ok()?;
            self.written(&field).await.is_ok_and(|written| written == words).then_some(())
        })
        .await;
    }

    /// What is written in a field.
    pub async fn written(&self, field: &Element) -> Outcome<String> {
        self.get(&format!("element/{}/property/value", field.0)).await.and_then(|written| text(&written))
    }

    /// The windows that automation can see.
    pub async fn windows(&self) -> Outcome<Vec<String>> {
        let handles = self.get("window/handles").await?;
        handles.as_array().into_iter().flatten().map(text).collect()
    }

    /// The window that commands go to.
    pub async fn window(&self) -> Outcome<String> {
        self.get("window").await.and_then(|handle| text(&handle))
    }

    /// Has the commands that follow go to another window.
    pub async fn look_at(&self, window: &str) -> Outcome<()> {
        self.post("window", json!({ "handle": window })).await.map(drop)
    }

    /// Closes the window that commands go to, as its close button does.
    pub async fn close_window(&self) -> Outcome<()> {
        value(self.http.delete(format!("{}/window", self.address)).send().await?).await.map(drop)
    }

    /// The address of the page.
    pub async fn url(&self) -> Outcome<String> {
        self.get("url").await.and_then(|url| text(&url))
    }

    /// Where the window stands on the screen and how large it is: x, y, width and height.
    pub async fn place(&self) -> Outcome<[i64; 4]> {
        let place = self.get("window/rect").await?;
        Ok(["x", "y", "width", "height"].map(|name| place[name].as_f64().unwrap_or_default().round() as i64))
    }

    /// Makes the window this wide and high, as somebody does at its corner.
    pub async fn resize(&self, width: u32, height: u32) -> Outcome<()> {
        self.post("window/rect", json!({ "width": width, "height": height })).await.map(drop)
    }

    /// Moves the window there and makes it this wide and high, as somebody does at its head and its corner.
    pub async fn put(&self, [x, y, width, height]: [i64; 4]) -> Outcome<()> {
        let place = json!({ "x": x, "y": y, "width": width, "height": height });
        self.post("window/rect", place).await.map(drop)
    }

    /// Has the window fill the screen.
    pub async fn maximize(&self) -> Outcome<()> {
        self.post("window/maximize", json!({})).await.map(drop)
    }

    /// Puts the window away without closing it.
    pub async fn minimize(&self) -> Outcome<()> {
        self.post("window/minimize", json!({})).await.map(drop)
    }

    async fn get(&self, command: &str) -> Outcome<Value> {
        value(self.http.get(format!("{}/{command}", self.address)).send().await?).await
    }

    async fn post(&self, command: &str, body: Value) -> Outcome<Value> {
        value(self.http.post(format!("{}/{command}", self.address)).json(&body).send().await?).await
    }
}

async fn value(answer: reqwest::Response) -> Outcome<Value> {
    let refused = !answer.status().is_success();
    let mut body: Value = answer.json().await?;
    let value = body.get_mut("value").map(Value::take).unwrap_or_default();
    if refused {
        return Err(Problem(format!("{}: {}", value["error"], value["message"])));
    }
    Ok(value)
}

fn text(value: &Value) -> Outcome<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Problem(format!("the driver gave {value} for a text")))
}

//! A Salesforce sandbox and a client for it.
// Each test file uses its part; a broken set-up may end the test.
#![allow(dead_code, clippy::unwrap_used)]

use reqwest::{Method, RequestBuilder};
use sandbox::salesforce::{Options, Org, Sandbox};
use serde_json::{Value, json};

use crate::common::{Clock, Reply, client, read, text};

pub const DATA: &str = "/services/data/v66.0";

pub struct Bench {
    pub sandbox: Sandbox,
    pub url: String,
    pub org: Org,
    pub clock: Clock,
    pub client: reqwest::Client,
    pub token: String,
}

pub async fn start(change: impl FnOnce(&mut Options)) -> Bench {
    let clock = Clock::new();
    let mut options = Options { clock: clock.shared(), ..Options::default() };
    change(&mut options);
    let token = options.access_token.clone().unwrap_or_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    Bench { url: sandbox.url(), org: sandbox.org(), sandbox, clock, client: client(), token }
}

impl Bench {
    /// A request below `/services/data/v66.0`, or anywhere when the path says so.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let place = if path.starts_with("/services") || path.starts_with("/id/") { "" } else { DATA };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{place}{path}", self.url)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Reply {
        read(self.request("GET", path)).await.unwrap()
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        read(self.request(method, path).json(&body)).await.unwrap()
    }

    pub async fn query(&self, soql: &str) -> Reply {
        read(self.request("GET", "/query").query(&[("q", soql)])).await.unwrap()
    }

    /// The values of one field over all records of a page.
    pub async fn column(&self, soql: &str, field: &str) -> Vec<String> {
        let reply = self.query(soql).await;
        assert_eq!(reply.status, 200, "{soql}: {}", reply.text);
        reply.records().iter().map(|record| text(&record[field])).collect()
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        read(self.client.post(format!("{}{path}", self.url)).form(fields)).await.unwrap()
    }

    pub fn profile(&self) -> String {
        let profiles = self.org.records("Profile");
        profiles.into_iter().find(|profile| profile.fields["Name"] == "Standard User").unwrap().id
    }

    /// What a new user needs.
    pub fn person(&self, name: &str) -> Value {
        json!({"Username": format!("{name}@rs.example.com"), "LastName": name,
               "Email": format!("{name}@example.org"), "Alias": name.get(..8).unwrap_or(name),
               "TimeZoneSidKey": "Europe/Berlin", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8",
               "LanguageLocaleKey": "en_US", "ProfileId": self.profile()})
    }
}

/// What Salesforce's answers hold.
pub trait Answered {
    fn records(&self) -> &[Value];
    fn code(&self) -> String;
}

impl Answered for Reply {
    fn records(&self) -> &[Value] {
        self.body["records"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The code of the first error, wherever Salesforce puts it.
    fn code(&self) -> String {
        let pointers = ["/0/errorCode", "/0/errors/0/statusCode", "/error"];
        pointers.iter().find_map(|place| self.body.pointer(place)).map(text).unwrap_or_default()
    }
}

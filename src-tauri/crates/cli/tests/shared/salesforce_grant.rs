//! A grant of the Salesforce sandbox, as an administrator brings one along.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

pub const KEY: &str = "sandbox-consumer-key";
pub const SECRET: &str = "sandbox-consumer-secret";

/// One request by hand, answered as text with its head.
pub fn http(url: &str, method: &str, path: &str, body: &str) -> String {
    let host = url.replace("http://", "");
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A refresh token that nobody has used yet.
pub fn refresh_token(url: &str, client_secret: &str) -> String {
    let back = "http%3A%2F%2Flocalhost%3A1717%2Fcallback";
    let asked = format!(
        "/services/oauth2/authorize?response_type=code&client_id={KEY}&redirect_uri={back}&scope=api+id+refresh_token"
    );
    let answer = http(url, "GET", &asked, "");
    let code = answer.split("code=").nth(1).unwrap().split(['&', '\r']).next().unwrap();
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={back}&client_id={KEY}&client_secret={client_secret}"
    );
    let answer = http(url, "POST", "/services/oauth2/token", &form);
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    body["refresh_token"].as_str().unwrap().to_owned()
}

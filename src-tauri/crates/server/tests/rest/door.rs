//! Who gets in, who does not, and what too much of anything does.

use std::time::{Duration, Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};
use server::{ADMINISTRATOR, Administrator, Certificate, HostNames, Limits, Options, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::house::{House, PASSWORD, Reply, open, until};

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_nothing_is_told() {
    let house = House::connected(1).await;
    let mut bodies = Vec::new();
    for (method, path) in [
        ("GET", "/info/ping"),
        ("GET", "/openapi.json"),
        ("GET", "/managed/user?_queryFilter=true"),
        ("GET", "/managed/nothing/x"),
        ("DELETE", "/no/such/path"),
        ("POST", "/system?_action=test"),
        ("PUT", "/config/sync"),
        ("TRACE", "/info/ping"),
    ] {
        let reply = Reply::of(house.bare(method, path)).await.is(401);
        assert!(reply.header("www-authenticate").starts_with("Basic "), "{reply:#?}");
        assert_eq!(reply.header("server"), "", "{reply:#?}");
        assert!(!reply.text.to_lowercase().contains("concord"), "{reply:#?}");
        bodies.push(reply.text);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "what is there and what is not look the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_to_sign_in_are_idms() {
    let house = House::empty().await;
    house.get("/info/ping").await.is(200);
    assert_eq!(house.get("/info/version").await.is(200).body["productVersion"], env!("CARGO_PKG_VERSION"));
    let with_headers = house
        .bare("GET", "/info/login")
        .header("X-OpenIDM-Username", ADMINISTRATOR)
        .header("X-OpenIDM-Password", PASSWORD)
        .header("X-OpenIDM-NoSession", "true")
        .header("Accept-API-Version", "resource=1.0");
    let reply = Reply::of(with_headers).await.is(200);
    assert_eq!(reply.body["authenticationId"], ADMINISTRATOR);
    assert_eq!(reply.header("set-cookie"), "", "there are no sessions to steal");
    for wrong in ["openidm-admin", "", "a password for test", "a password for tests "] {
        Reply::of(house.bare("GET", "/info/ping").basic_auth(ADMINISTRATOR, Some(wrong))).await.is(401);
    }
    Reply::of(house.bare("GET", "/info/ping").basic_auth("admin", Some(PASSWORD))).await.is(401);
    Reply::of(house.bare("GET", "/info/ping").bearer_auth("test-token-1")).await.is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_is_told_once_and_kept_as_a_hash() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(&folder).await;
    let made = app.rest_admin(false).await.unwrap();
    let password = made.fresh.expect("the first time").expose().to_owned();
    assert!(app.rest_admin(false).await.unwrap().fresh.is_none(), "never again");
    let house = House::over(folder, app, 0, Administrator::Generated(made.proof)).await;
    let with =
        |password: &str| house.bare("GET", "/info/ping").basic_auth(ADMINISTRATOR, Some(password.to_owned()));
    Reply::of(with(&password)).await.is(200);
    Reply::of(with(PASSWORD)).await.is(401);
    let stored = std::fs::read(house.folder.path().join("data/concord.db")).unwrap();
    let log = std::fs::read(house.folder.path().join("data/concord.db-wal")).unwrap_or_default();
    for file in [stored, log] {
        assert!(
            !file.windows(password.len()).any(|part| part == password.as_bytes()),
            "the password was stored"
        );
    }
    // Another process makes another one: it counts from then on, and the old one does not.
    let other = open(&house.folder).await;
    let renewed = other.rest_admin(true).await.unwrap().fresh.unwrap();
    assert_ne!(renewed.expose(), password);
    Reply::of(with(renewed.expose())).await.is(200);
    Reply::of(with(&password)).await.is(401);
    Reply::of(with(renewed.expose())).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_about_a_sign_in_is_not_told() {
    let (generated, right) = House::generated(0).await;
    let chosen = House::empty().await;
    for (house, right) in [(&generated, right.expose()), (&chosen, PASSWORD)] {
        let ping = || house.bare("GET", "/info/ping");
        Reply::of(ping().basic_auth(ADMINISTRATOR, Some(right))).await.is(200);
        let mut answers = Vec::new();
        for request in [
            ping().basic_auth("nobody", Some(right)),
            ping().basic_auth("nobody", Some("wrong")),
            ping().basic_auth(ADMINISTRATOR, Some("wrong")),
            ping().bearer_auth("concord-api-wrong"),
            ping().header("authorization", "Digest x"),
        ] {
            let begun = Instant::now();
            let reply = Reply::of(request).await.is(401);
            assert!(begun.elapsed() >= Duration::from_millis(150), "a guess that costs nothing: {reply:#?}");
            let mut headers = reply.headers.clone();
            headers.remove("date");
            answers.push((reply.text, headers));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slow_and_locks_nobody_out() {
    let house = House::empty().await;
    let begun = Instant::now();
    for _ in 0..4 {
        Reply::of(house.bare("GET", "/info/ping").basic_auth(ADMINISTRATOR, Some("wrong"))).await.is(401);
    }
    assert!(begun.elapsed() >= Duration::from_millis(2500), "four guesses took {:?}", begun.elapsed());
    house.get("/info/ping").await.is(200);
    // Many at once: none is let in, and the right one gets its turn among them.
    let wrong = || Reply::of(house.bare("GET", "/info/ping").basic_auth(ADMINISTRATOR, Some("wrong")));
    let begun = Instant::now();
    let (answers, right) = tokio::join!(join_all((0..30).map(|_| wrong())), house.get("/info/ping"));
    right.is(200);
    assert!(begun.elapsed() >= Duration::from_secs(4), "thirty more took {:?}", begun.elapsed());
    for answer in answers {
        answer.is(401);
    }
    // More than can wait are turned away.
    let answers = join_all((0..100).map(|_| wrong())).await;
    assert!(answers.iter().any(|answer| answer.status == 429), "nobody was turned away");
    for answer in answers {
        assert!([401, 429].contains(&answer.status), "{answer:#?}");
        if answer.status == 429 {
            assert_ne!(answer.header("retry-after"), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_guesses_does_not_delay_the_generated_password() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(&folder).await;
    let made = app.rest_admin(false).await.unwrap();
    let password = made.fresh.unwrap();
    let house = House::over(folder, app, 0, Administrator::Generated(made.proof)).await;
    let flood =
        (0..60).map(|_| Reply::of(house.bare("GET", "/info/ping").basic_auth(ADMINISTRATOR, Some("wrong"))));
    let right = async {
        for _ in 0..5 {
            Reply::of(house.bare("GET", "/info/ping").basic_auth(ADMINISTRATOR, Some(password.expose())))
                .await
                .is(200);
        }
        Instant::now()
    };
    let begun = Instant::now();
    let (_, done) = tokio::join!(join_all(flood), right);
    assert!(done - begun < Duration::from_secs(4), "it took {:?}", done - begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hosts_and_origins_are_refused() {
    let house = House::empty().await;
    for (header, value) in [
        ("host", "evil.test"),
        ("host", "localhost.evil.test"),
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("origin", "http://localhost:1"),
    ] {
        let reply = Reply::of(house.request("GET", "/info/ping").header(header, value)).await.is(403);
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    let own = house.server.url().to_owned();
    Reply::of(house.request("GET", "/info/ping").header("origin", own)).await.is(200);
    let port = house.server.url().rsplit(':').next().unwrap().to_owned();
    Reply::of(house.request("GET", "/info/ping").header("host", format!("localhost:{port}"))).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_and_the_server_stays_up() {
    let house = House::empty().await;
    let large = json!({"userName": "x".repeat(5 << 20)});
    house.post("/managed/user?_action=create", &large).await.is(413).says(&["4 MiB"]);
    // The same without a length told before.
    let chunks = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 << 10])));
    let request = house
        .request("POST", "/managed/user?_action=create")
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(chunks));
    Reply::of(request).await.is(413);
    for (text, says) in [
        (format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)), "too deeply"),
        ("{\"userName\":".repeat(300), "too deeply"),
        ("{\"userName\": ".to_owned(), "not valid JSON"),
        ("\u{feff}{}".to_owned(), "not valid JSON"),
        ("[1]".to_owned(), "JSON object"),
        (String::new(), "missing"),
    ] {
        let request = house
            .request("POST", "/managed/user?_action=create")
            .header("content-type", "application/json")
            .body(text);
        Reply::of(request).await.is(400).says(&[says]);
    }
    let form = house.request("POST", "/managed/user?_action=create").form(&[("userName", "x")]);
    Reply::of(form).await.is(415).says(&["application/json"]);
    let filter = format!("{}true{}", "(".repeat(5000), ")".repeat(5000));
    house.get(&format!("/managed/user?_queryFilter={filter}")).await.is(400).says(&["nested too deeply"]);
    let crowd = (0..300).map(|_| house.get("/managed/user?_queryFilter=true"));
    for reply in join_all(crowd).await {
        assert!([200, 503].contains(&reply.status), "{reply:#?}");
    }
    house.get("/info/ping").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_turned_away_at_once_and_the_next_is_answered() {
    let house = House::connected(1).await;
    let slow = json!({"faults": [{"path": "*", "times": "always", "action": {"delay": {"ms": 600_000}}}]});
    let faults = house.client.post(format!("{}/__sandbox/faults", house.sandbox_url())).json(&slow);
    assert!(faults.send().await.unwrap().status().is_success());
    // More than are worked on and more than may wait, all of them held up by the other system.
    let (told, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let crowd: Vec<_> = (0..340)
        .map(|_| {
            let (request, told) =
                (house.request("GET", "/system/hubspot/contact?_queryFilter=true"), told.clone());
            tokio::spawn(async move { told.send(Reply::of(request).await) })
        })
        .collect();
    let turned_away = answers.recv().await.unwrap().is(503).says(&["too many requests"]);
    assert_ne!(turned_away.header("retry-after"), "");
    for request in crowd {
        request.abort();
    }
    until("there is room again", || async { house.get("/info/ping").await.status == 200 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_without_end_are_cut_off() {
    let house = House::empty().await;
    let long = "x".repeat(70 << 10);
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for head in [
        format!("GET /openidm/info/ping HTTP/1.1\r\nhost: localhost\r\nx-long: {long}\r\n\r\n"),
        format!("GET /openidm/info/ping HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"),
        format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address(&house)).await.unwrap();
        // The server may hang up before it has heard all of it.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    house.get("/info/ping").await.is(200);
}

fn address(house: &House) -> String {
    house.server.url().trim_start_matches("http://").to_owned()
}

/// Somebody opens connections and says nothing, or says it slowly. Another source is answered all the while.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn who_dawdles_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(&folder).await;
    let limits = Limits {
        connections: 12,
        of_one_source: 8,
        head_time: Duration::from_secs(2),
        body_time: Duration::from_secs(1),
    };
    let chosen = Administrator::Chosen(model::Secret::new(PASSWORD));
    let house = House::within(folder, app, 0, chosen, limits).await;
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = tokio::net::TcpStream::connect(address(&house)).await.unwrap();
        stream.write_all(b"GET /openidm/info/ping HTTP/1.1\r\nhost: loc").await.unwrap();
        slow.push(stream);
    }
    // One more than it may have.
    let mut stream = tokio::net::TcpStream::connect(address(&house)).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 503"), "{text}");
    // Somebody else.
    let other =
        Client::builder().no_proxy().local_address(std::net::IpAddr::from([127, 0, 0, 2])).build().unwrap();
    let url = format!("{}/openidm/info/ping", house.server.url());
    Reply::of(other.get(&url).basic_auth(ADMINISTRATOR, Some(PASSWORD))).await.is(200);
    for stream in &mut slow {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    drop(slow);
    house.get("/info/ping").await.is(200);
    // A body that does not come.
    let mut stream = tokio::net::TcpStream::connect(address(&house)).await.unwrap();
    let basic = format!("{ADMINISTRATOR}:{PASSWORD}");
    let head = format!(
        "POST /openidm/managed/user?_action=create HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{{",
        BASE64_STANDARD.encode(basic)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("\"code\":408"), "{text}");
    house.get("/info/ping").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_on_the_wire_ends_its_connection_and_nothing_else() {
    let house = House::empty().await;
    for nonsense in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /openidm/info/ping HTTP/1.1\r\n\r\n",
        b"GET /openidm/info/ping HTTP/1.1\r\nhost: localhost\r\nhost: evil.test\r\nconnection: close\r\n\r\n",
        b"POST /openidm/recon HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let mut stream = tokio::net::TcpStream::connect(address(&house)).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is an answer too.
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4") || text.starts_with("HTTP/1.0 4"), "{text}");
    }
    house.get("/info/ping").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named() {
    let house = House::empty().await;
    let reply = house.send("PATCH", "/info/ping", &Value::Null, &[]).await.is(405);
    assert_eq!(reply.header("allow"), "GET");
    house.get("/nothing").await.is(404).says(&["/openidm/nothing"]);
    house.post("/recon?_action=dance", &Value::Null).await.is(400).says(&["dance", "recon, reconById"]);
    house.post("/recon", &Value::Null).await.is(400).says(&["_action is missing"]);
    house.get("/managed/user?_queryFilter=true&_pagesize=3").await.is(400).says(&["_pagesize"]);
    house.get("/managed/user?_queryFilter=true&_pageSize=-1").await.is(400).says(&["_pageSize"]);
    house.get("/managed/user?_queryFilter=true&_queryFilter=false").await.is(400).says(&["twice"]);
    house.get("/managed/user").await.is(400).says(&["_queryFilter"]);
    house
        .get("/managed/user?_queryExpression=select")
        .await
        .is(400)
        .says(&["_queryExpression", "_queryFilter"]);
    house
        .get("/managed/user?_queryFilter=true&_queryId=query-all")
        .await
        .is(400)
        .says(&["exclude each other"]);
    house.get("/managed/user?_queryId=of-my-own").await.is(400).says(&["query-all-ids"]);
    // What IDM takes as well.
    house.get("/managed/user/?_queryFilter=true").await.is(200);
    house.get("/info/ping/").await.is(200);
    assert_eq!(house.get("/health").await.is(200).body["state"], "ACTIVE_READY");
    let os = house.get("/health/os").await.is(200).body;
    assert!(os["availableProcessors"].as_u64().is_some_and(|n| n > 0), "{os}");
    assert_eq!(os["operatingSystemName"], std::env::consts::OS);
    for all in ["/recon/assoc", "/sync/queue", "/sync/mappings"] {
        assert_eq!(house.get(all).await.is(200).body["resultCount"], 0, "{all}");
    }
    let head = house.request("HEAD", "/info/ping").send().await.unwrap();
    assert_eq!(head.status(), 200);
    let pretty = house.get("/info/ping?_prettyPrint=true").await.is(200);
    assert!(pretty.text.contains("\n  \"state\""), "{}", pretty.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_let_in_over_tls_only() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(&folder).await;
    let options = |certificate| Options {
        administrator: Administrator::Chosen(model::Secret::new(PASSWORD)),
        hosts: HostNames::and(["people.test".to_owned()]),
        certificate,
        self_service: None,
    };
    let everywhere = tokio::net::TcpListener::bind(("0.0.0.0", 0)).await.unwrap();
    let refused =
        Server::start(app.clone(), everywhere, options(None)).err().expect("plain HTTP to the world");
    assert!(refused.to_string().contains("certificate"), "{refused}");

    let made =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "people.test".to_owned()]).unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    assert!(Certificate::read(&key, &key).is_err_and(|e| e.to_string().contains("no certificate")));
    let certificate = Certificate::read(&chain, &key).unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = Server::start(app, listener, options(Some(certificate))).unwrap();
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    let client = Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()])
        .resolve("people.test", format!("127.0.0.1:{port}").parse().unwrap())
        .build()
        .unwrap();
    for name in ["localhost", "people.test"] {
        let request = client
            .get(format!("https://{name}:{port}/openidm/info/ping"))
            .basic_auth(ADMINISTRATOR, Some(PASSWORD));
        Reply::of(request).await.is(200);
    }
    // Plain HTTP on that port is no HTTP.
    assert!(client.get(format!("http://localhost:{port}/openidm/info/ping")).send().await.is_err());
    server.stop().await;
    assert!(client.get(format!("https://localhost:{port}/openidm/info/ping")).send().await.is_err());
}

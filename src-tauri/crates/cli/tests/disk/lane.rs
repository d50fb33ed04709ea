//! Two accounts, a data folder between them at a few moments of its life, and one case after the other on copies of it.

use std::{
    fs, net,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use sandbox::hubspot::{Options, Portal, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    dice::Dice,
    house::{self, House, IN, PASSPHRASE, Ran, TOKEN},
    image::{Disk, Loss},
    kill::kill_when,
    shim::{Step, Trouble, on_disk, steps},
};

const OUT: &str = "usersToOther";
/// Two pages of a list, two batches of a write.
const CONTACTS: usize = 130;
const GONE: usize = 3;

/// What a case does to a process.
#[derive(Debug, Clone, Copy)]
pub enum Blow {
    Disk(Trouble),
    /// It is killed once so many calls have been made.
    Call(u64),
    /// It ends at a step, and the power goes with it.
    Power(Trouble, Loss),
    /// It is through, and then the power goes.
    PowerAtTheEnd(Loss),
}

impl Blow {
    /// The same at half the way, if that is another moment.
    fn sooner(self) -> Option<Self> {
        match self {
            Self::Disk(trouble) => trouble.sooner().map(Self::Disk),
            Self::Call(number) => (number > 1).then_some(Self::Call(number / 2)),
            Self::Power(trouble, loss) => trouble.sooner().map(|sooner| Self::Power(sooner, loss)),
            Self::PowerAtTheEnd(_) => None,
        }
    }
}

/// What a command does on a good disk.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    pub steps: u64,
    pub reads: u64,
    pub calls: u64,
}

/// A moment in the life of a data folder, and the command that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    SetUp,
    Import,
    Export,
    NewKeys,
}

const MOMENTS: [Moment; 4] = [Moment::SetUp, Moment::Import, Moment::Export, Moment::NewKeys];

/// One person on either side: the key, first name, last name, city.
type Person = (String, String, String, String);

pub struct Lane {
    house: House,
    /// With addresses in the export, contacts can be found again by them.
    keyed: bool,
    source: Sandbox,
    target: Option<Sandbox>,
    /// Where the target is, from the first case to the last: an address that was let go would be anybody's.
    door: net::TcpListener,
    /// The contacts that the target has when a case begins, in the order in which they were made.
    made: Vec<Vec<(String, String)>>,
    measures: Vec<Measure>,
}

impl Lane {
    pub async fn new(keyed: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options { records: CONTACTS, seed: 11, ..Options::default() };
        let source = Sandbox::start(listener, options).await.unwrap();
        let door = net::TcpListener::bind("127.0.0.1:0").unwrap();
        door.set_nonblocking(true).unwrap();
        let target = Some(Sandbox::start(at(&door), Options::default()).await.unwrap());
        let mut lane = Self {
            house: House::empty(),
            keyed,
            source,
            target,
            door,
            made: Vec::new(),
            measures: Vec::new(),
        };
        lane.past().await;
        for moment in MOMENTS {
            let measure = lane.measure(moment).await;
            lane.measures.push(measure);
        }
        lane
    }

    /// Everybody is on both sides; then something changes at the source.
    async fn past(&mut self) {
        self.write_documents();
        self.set_up();
        self.through(IN);
        self.through(OUT);
        let mut made = self.portal().contacts();
        made.sort_by_key(|contact| contact.id.parse::<u64>().unwrap());
        self.made = made
            .into_iter()
            .map(|contact| {
                let own = |(name, _): &(String, String)| {
                    ["email", "firstname", "lastname", "city"].contains(&name.as_str())
                };
                contact.properties.into_iter().filter(own).collect()
            })
            .collect();
        let source = self.source.portal();
        let all = source.contacts();
        for contact in all.iter().step_by(2) {
            source.set(&contact.id, &[("city", "Elsewhere")]).unwrap();
        }
        let with_mail = all.iter().filter(|contact| contact.properties.contains_key("email"));
        for contact in with_mail.skip(7).step_by(20).take(GONE) {
            assert!(source.archive(&contact.id));
        }
        for number in 0..12 {
            let mail = format!("new{number}@example.org");
            source.create(&[("email", &mail), ("firstname", "New"), ("lastname", "Comer")]).unwrap();
        }
        self.keep(Moment::Import);
        self.keep(Moment::NewKeys);
        self.through(IN);
        self.keep(Moment::Export);
        self.house_is_as_it_was();
    }

    fn portal(&self) -> Portal {
        self.target.as_ref().expect("a target").portal()
    }

    fn data(&self) -> PathBuf {
        self.house.data_dir()
    }

    fn kept(&self, moment: Moment) -> PathBuf {
        self.house.folder.path().join(format!("{moment:?}"))
    }

    fn keep(&self, moment: Moment) {
        Disk::of(&self.data()).unwrap().cut(Loss::All, &mut Dice::new(0)).write(&self.kept(moment)).unwrap();
    }

    fn house_is_as_it_was(&self) {
        // The targets of later cases have the same ids as the one that was written to.
        let ids: Vec<u64> = self.portal().contacts().iter().map(|c| c.id.parse().unwrap()).collect();
        assert_eq!(ids.len(), self.made.len());
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    fn write_documents(&self) {
        let other = format!("http://{}", self.door.local_addr().unwrap());
        for (name, url) in [("hubspot", self.source.url()), ("other", other)] {
            let mut connector = house::connector(&url, TOKEN);
            connector["name"] = json!(name);
            connector["configurationProperties"]["permitsPerSecond"] = json!(1000);
            self.house.file(&format!("{name}.json"), &connector);
        }
        let mut inbound = house::inbound();
        inbound["enableSync"] = json!(false);
        inbound["guards"] = json!({"maxDeletes": GONE});
        inbound["properties"] = json!([
            {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
            {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
            {"source": "firstname", "target": "givenName", "default": "-"},
            {"source": "lastname", "target": "sn", "default": "-"},
            {"source": "city", "target": "city", "whenEmpty": "clear"},
        ]);
        let (key, correlation) = if self.keyed {
            ("email", json!([{"linkQualifier": "default", "expressionTree": {"any": ["email"]}}]))
        } else {
            ("firstname", json!([]))
        };
        let mut outbound = json!({
            "name": OUT, "source": "managed/user", "target": "system/other/contact", "enableSync": false,
            "guards": {"maxDeletes": GONE},
            "properties": [
                {"source": "mail", "target": key},
                {"source": "sn", "target": "lastname"},
                {"source": "city", "target": "city", "whenEmpty": "clear"},
            ],
            "policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}],
        });
        if self.keyed {
            outbound["correlationQuery"] = correlation;
        }
        self.house.file("sync.json", &json!({"mappings": [inbound, outbound]}));
    }

    fn document(&self, name: &str) -> String {
        self.house.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn set_up(&self) {
        for (what, name) in
            [("connector", "hubspot.json"), ("connector", "other.json"), ("mapping", "sync.json")]
        {
            self.house.concord(&[what, "add", &self.document(name)]).exits(0);
        }
    }

    fn arguments(&self, moment: Moment) -> Vec<String> {
        let words: &[&str] = match moment {
            Moment::SetUp => return vec!["connector".into(), "add".into(), self.document("hubspot.json")],
            Moment::Import => &["--json", "recon", IN],
            Moment::Export => &["--json", "recon", OUT],
            Moment::NewKeys => &["vault", "rotate"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Runs a mapping until it is through, as a person would who reads what it says.
    fn through(&self, mapping: &str) {
        let mut said = Vec::new();
        for _ in 0..4 {
            let ran = self.house.concord(&["--json", "recon", mapping]);
            match ran.code {
                0 => return,
                1 | 3 => said.push(ran),
                _ => panic!("{mapping}: {ran:#?}"),
            }
        }
        panic!("{mapping} does not come to an end: {said:#?}");
    }

    /// The folder and the target are as they were at this moment.
    async fn begin(&mut self, moment: Moment) {
        let data = self.data();
        if data.exists() {
            fs::remove_dir_all(&data).unwrap();
        }
        let kept = self.kept(moment);
        if kept.exists() {
            Disk::of(&kept).unwrap().write(&data).unwrap();
        }
        if let Some(target) = self.target.take() {
            target.stop().await;
        }
        let target = Sandbox::start(at(&self.door), Options::default()).await.unwrap();
        let portal = target.portal();
        if moment != Moment::SetUp {
            for properties in &self.made {
                let properties: Vec<(&str, &str)> =
                    properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                portal.create(&properties).unwrap();
            }
        }
        portal.reset_calls();
        self.source.portal().reset_calls();
        self.target = Some(target);
    }

    fn command(&self, moment: Moment, trouble: Trouble) -> Command {
        let arguments = self.arguments(moment);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = self.house.command(&arguments);
        on_disk(&mut command, &self.data(), &self.log(), trouble);
        command
    }

    fn log(&self) -> PathBuf {
        self.house.folder.path().join("steps")
    }

    fn calls(&self) -> u64 {
        self.source.portal().call_count() + self.portal().call_count()
    }

    async fn measure(&mut self, moment: Moment) -> Measure {
        self.begin(moment).await;
        let ran = run(self.command(moment, Trouble::None)).await;
        assert_eq!(ran.code, 0, "{moment:?}: {ran:#?}");
        let done = steps(&self.log());
        let reads = done.iter().filter(|step| **step == Step::Read).count();
        let measure =
            Measure { steps: (done.len() - reads) as u64, reads: reads as u64, calls: self.calls() };
        assert!(measure.steps > 10 && measure.reads > 0, "{moment:?}: {measure:?}");
        measure
    }

    /// One case. Gives what it came to in a few words.
    pub async fn case(&mut self, dice: &mut Dice, blow: &impl Fn(&mut Dice, &Measure) -> Blow) -> String {
        // Most of the life of a data folder is runs.
        let choice = [0, 1, 1, 1, 2, 2, 2, 2, 3][dice.below(9)];
        let moment = MOMENTS[choice];
        let mut blow = blow(dice, &self.measures[choice]);
        let (what, context) = loop {
            let context = format!("{moment:?}, {blow:?}");
            self.begin(moment).await;
            let before = Disk::of(&self.data()).unwrap();
            let (what, ended_well) = self.strike(moment, blow, before, dice, &context).await;
            self.holds_no_secret(&context);
            if ended_well {
                self.did_what_it_said(moment, &context);
            }
            // How many steps there are depends on how fast they are done.
            match blow.sooner().filter(|_| what.contains("not reached")) {
                Some(sooner) => blow = sooner,
                None => break (what, context),
            }
        };
        self.recovers(moment, 0, &context);
        format!("{moment:?}, {what}")
    }

    /// The folder of before an import and an export is put back after both.
    pub async fn older_copy(&mut self) {
        self.begin(Moment::Import).await;
        self.through(IN);
        self.through(OUT);
        let data = self.data();
        Disk::of(&self.kept(Moment::Import)).unwrap().write(&data).unwrap();
        // Those who are gone on both sides keep their links, which nothing asks for any more.
        self.recovers(Moment::Import, GONE, "an older copy");
    }

    async fn strike(
        &self,
        moment: Moment,
        blow: Blow,
        before: Disk,
        dice: &mut Dice,
        context: &str,
    ) -> (String, bool) {
        let left = |loss: Loss, dice: &mut Dice| {
            let mut disk = before;
            for step in &steps(&self.log()) {
                disk.take(step);
            }
            disk.cut(loss, dice).write(&self.data()).unwrap();
        };
        match blow {
            Blow::Disk(trouble) => {
                let ran = run(self.command(moment, trouble)).await;
                let hit = match trouble {
                    Trouble::Kill(_) | Trouble::Tear(_) => ran.code == -1,
                    _ => steps(&self.log()).contains(&Step::Refused) || matches!(trouble, Trouble::Short(_)),
                };
                if !hit {
                    assert_eq!(ran.code, 0, "{context}: {ran:#?}");
                    return (format!("{}: not reached", kind(trouble)), true);
                }
                if ran.code != -1 {
                    tells_what_is_wrong(&ran, context);
                }
                (kind(trouble).to_owned(), ran.code == 0)
            }
            Blow::Call(number) => {
                let mut command = self.command(moment, Trouble::None);
                command.stdout(Stdio::null()).stderr(Stdio::null());
                let killed = kill_when(command.spawn().unwrap(), || self.calls() >= number).await;
                (if killed { "killed at a call" } else { "killed at a call: not reached" }.into(), !killed)
            }
            Blow::Power(trouble, loss) => {
                let ran = run(self.command(moment, trouble)).await;
                left(loss, dice);
                if ran.code == 0 {
                    return (format!("power cut, loses {loss:?}: not reached"), true);
                }
                assert_eq!(ran.code, -1, "{context}: {ran:#?}");
                (format!("power cut, loses {loss:?}"), false)
            }
            Blow::PowerAtTheEnd(loss) => {
                let ran = run(self.command(moment, Trouble::None)).await.exits(0);
                left(loss, dice);
                (format!("power cut at the end, loses {loss:?}"), ran.code == 0)
            }
        }
    }

    /// What a process said was done is there, whatever came afterwards.
    fn did_what_it_said(&self, moment: Moment, context: &str) {
        match moment {
            Moment::Import => assert_eq!(self.users(), self.sources(), "{context}"),
            Moment::Export => assert_eq!(self.targets(), self.users(), "{context}"),
            Moment::SetUp => drop(self.house.concord(&["connector", "test", "hubspot"]).exits(0)),
            Moment::NewKeys => {}
        }
    }

    /// On a good disk, everything comes to its end. `left_over` links lead from nobody to nobody.
    fn recovers(&self, moment: Moment, left_over: usize, context: &str) {
        if moment == Moment::SetUp {
            self.set_up();
        }
        self.through(IN);
        self.through(OUT);
        let users = self.users();
        assert_eq!(users, self.sources(), "{context}: one user for each contact with an address");
        assert_eq!(self.targets(), users, "{context}: one contact for each user");
        for mapping in [IN, OUT] {
            let run = self.house.json(0, &["recon", mapping]);
            let target = &run["progress"]["target"];
            let changes = ["created", "updated", "deleted"].map(|kind| target[kind].as_u64().unwrap());
            assert_eq!(changes, [0, 0, 0], "{context}: {run}");
            assert_eq!(run["situationSummary"]["CONFIRMED"], users.len(), "{context}: {run}");
            let links = &run["progress"]["links"]["existing"]["total"];
            let expected = users.len() + if mapping == OUT { left_over } else { 0 };
            assert_eq!(*links, expected.to_string(), "{context}: {run}");
        }
        self.wrote_once(moment, context);
        let wrong = store::Store::open(&self.data()).unwrap().faults().unwrap();
        assert!(wrong.is_empty(), "{context}: {wrong:#?}");
        self.holds_no_secret(context);
    }

    /// Nobody was made twice, not even to be archived again.
    fn wrote_once(&self, moment: Moment, context: &str) {
        use sandbox::hubspot::WriteKind;
        let writes = self.portal().writes();
        let made = writes.iter().filter(|write| write.by_app && write.kind == WriteKind::Create).count();
        let (there, had) = match moment {
            Moment::SetUp => (self.targets().len(), 0),
            _ => (self.targets().len() + GONE, self.made.len()),
        };
        assert_eq!(made, there - had, "{context}: made {made}");
        assert!(
            self.source.portal().writes().iter().all(|write| !write.by_app),
            "{context}: reading writes nothing"
        );
    }

    fn holds_no_secret(&self, context: &str) {
        let mut files = Vec::new();
        if self.data().exists() {
            all_files(&self.data(), &mut files);
        }
        for file in files {
            // The log goes when the last connection to the repository does, which may be now.
            let Ok(bytes) = fs::read(&file) else { continue };
            for secret in [TOKEN, PASSPHRASE] {
                assert!(!contains(&bytes, secret.as_bytes()), "{context}: {} holds a secret", file.display());
            }
        }
    }

    fn users(&self) -> Vec<Person> {
        let listed = self.house.json(0, &["user", "list", "--fields", "mail,sn,city"]);
        let people = listed["result"].as_array().unwrap().iter();
        let text = |user: &Value, name: &str| user[name].as_str().unwrap_or_default().to_owned();
        sorted(people.map(|u| (text(u, "mail").to_lowercase(), text(u, "sn"), text(u, "city"))))
    }

    fn sources(&self) -> Vec<Person> {
        people(&self.source.portal(), "email")
    }

    fn targets(&self) -> Vec<Person> {
        let portal = self.portal();
        let found = people(&portal, if self.keyed { "email" } else { "firstname" });
        assert_eq!(found.len(), portal.contacts().len(), "nobody without a key");
        found
    }
}

fn sorted(people: impl Iterator<Item = (String, String, String)>) -> Vec<Person> {
    let mut all: Vec<Person> = people.map(|(key, last, city)| (key, String::new(), last, city)).collect();
    all.sort();
    all
}

/// The people of an account who have a key, as the mappings see them.
fn people(portal: &Portal, key: &str) -> Vec<Person> {
    let contacts = portal.contacts();
    let text = |properties: &std::collections::BTreeMap<String, String>, name: &str| {
        properties.get(name).cloned().unwrap_or_default()
    };
    sorted(contacts.iter().filter(|c| !text(&c.properties, key).is_empty()).map(|c| {
        let last = text(&c.properties, "lastname");
        let last = if last.is_empty() { "-".to_owned() } else { last };
        (text(&c.properties, key).to_lowercase(), last, text(&c.properties, "city"))
    }))
}

fn kind(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::None => "nothing",
        Trouble::Kill(_) => "killed before a step",
        Trouble::Tear(_) => "killed in a step",
        Trouble::Fails(_) => "a step failed",
        Trouble::Dies(_) => "the disk died",
        Trouble::Short(_) => "half a write, then full",
        Trouble::Full(_) => "full",
        Trouble::Read(_) => "a read failed",
    }
}

/// A program whose disk fails ends by itself, in words that name the disk or the folder.
fn tells_what_is_wrong(ran: &Ran, context: &str) {
    match ran.code {
        0 => {}
        1 | 3 => {
            let last = ran.err.trim().lines().last().unwrap_or_default();
            assert!(last.starts_with("concord: "), "{context}: {ran:#?}");
            let named = ["disk", "data folder", "repository", "records failed"];
            assert!(named.iter().any(|words| last.contains(words)), "{context}: {ran:#?}");
        }
        _ => panic!("{context}: {ran:#?}"),
    }
}

/// Runs a command to its end. One that hangs is noticed, and one that gets little of a busy machine is not taken for it.
async fn run(command: Command) -> Ran {
    let mut command = tokio::process::Command::from(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let patience = Duration::from_secs(1800);
    let output = tokio::time::timeout(patience, command.output()).await;
    Ran::of(output.expect("a command that comes to an end").unwrap())
}

/// A listener at the address that the connector knows.
fn at(door: &net::TcpListener) -> TcpListener {
    TcpListener::from_std(door.try_clone().unwrap()).unwrap()
}

fn all_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, into) } else { into.push(path) }
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == needle[0]) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

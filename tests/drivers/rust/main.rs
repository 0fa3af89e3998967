// SPDX-License-Identifier: Apache-2.0
// run.sh copies this file beside the code that docs/drivers/rust.md shows.
include!("shown.rs");

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::Row;
use std::env::var;

const NOTES: &str = "SELECT body FROM note ORDER BY id";
const INSERT: &str = "INSERT INTO note (body) VALUES ($1) RETURNING body";
const WHO: &str = "SELECT coalesce(auth.user_id(), ''), (SELECT count(*)::int FROM note), pg_backend_pid()";

fn value(name: &str) -> String {
    var(name).unwrap_or_else(|_| panic!("no {name} in the environment"))
}

enum Driver {
    Sqlx(sqlx::PgPool),
    Tokio(deadpool_postgres::Pool),
}

impl Driver {
    async fn open(name: &str, database: &str) -> Driver {
        let port = value("POOL_PORT").parse().unwrap();
        if name == "sqlx" {
            let options = PgConnectOptions::new_without_pgpass()
                .host("127.0.0.1")
                .port(port)
                .username("app")
                .database(database)
                .ssl_mode(sqlx::postgres::PgSslMode::Disable);
            Driver::Sqlx(PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap())
        } else {
            let mut config = tokio_postgres::Config::new();
            config.host("127.0.0.1").port(port).user("app").dbname(database);
            let manager = deadpool_postgres::Manager::new(config, tokio_postgres::NoTls);
            Driver::Tokio(deadpool_postgres::Pool::builder(manager).max_size(2).build().unwrap())
        }
    }

    // The texts that the query returns to the user of the token. Commits, or drops the transaction.
    async fn run(&self, token: &str, query: &str, argument: Option<&str>, commit: bool) -> Result<Vec<String>, Error> {
        let found;
        match self {
            Driver::Sqlx(pool) => {
                let mut transaction = begin_sqlx(pool, token).await?;
                let mut statement = sqlx::query(query).persistent(false);
                if let Some(argument) = argument {
                    statement = statement.bind(argument);
                }
                let rows = statement.fetch_all(&mut *transaction).await?;
                found = rows.iter().map(|row| row.get(0)).collect();
                if commit {
                    transaction.commit().await?;
                }
            }
            Driver::Tokio(pool) => {
                let mut client = pool.get().await?;
                let transaction = begin_tokio(&mut client, token).await?;
                let rows = match &argument {
                    Some(argument) => transaction.query_typed(query, &[(argument, Type::TEXT)]).await?,
                    None => transaction.query_typed(query, &[]).await?,
                };
                found = rows.iter().map(|row| row.get(0)).collect();
                if commit {
                    transaction.commit().await?;
                }
            }
        }
        Ok(found)
    }

    // The user, the rows that he sees, and the server's process.
    async fn who(&self) -> (String, i32, i32) {
        match self {
            Driver::Sqlx(pool) => {
                let mut transaction = pool.begin().await.unwrap();
                let row = sqlx::query(WHO).persistent(false).fetch_one(&mut *transaction).await.unwrap();
                (row.get(0), row.get(1), row.get(2))
            }
            Driver::Tokio(pool) => {
                let row = &pool.get().await.unwrap().query_typed(WHO, &[]).await.unwrap()[0];
                (row.get(0), row.get(1), row.get(2))
            }
        }
    }
}

struct Tests {
    count: u32,
    failed: bool,
}

impl Tests {
    fn result(&mut self, name: String, wrong: Vec<String>) {
        self.count += 1;
        let ok = if wrong.is_empty() { "ok" } else { "not ok" };
        self.failed |= !wrong.is_empty();
        println!("{ok} {} - {name}", self.count);
        for line in wrong {
            println!("# {}", line.replace('\n', "\n# "));
        }
    }
}

// What an application can log of an error, in any usual way.
fn token_in(error: &Error) -> Option<String> {
    let text = format!("{error} {error:?} {error:#?}");
    let tokens = ["ALICE", "BOB", "FORGED", "EXPIRED"].map(value);
    let found = tokens.iter().flat_map(|token| token.split('.').skip(1)).any(|part| text.contains(part));
    found.then(|| format!("a token is in the text: {text}"))
}

async fn usable(driver: &Driver, server: i32) -> Vec<String> {
    let mut wrong = Vec::new();
    for _ in 0..2 {
        let who = driver.who().await;
        if who != (String::new(), 0, server) {
            wrong.push(format!("without a token: {who:?}, not process {server}"));
        }
        match driver.run(&value("BOB"), NOTES, None, true).await {
            Ok(found) if found == ["of bob"] => {}
            other => wrong.push(format!("bob: {other:?}")),
        }
    }
    wrong
}

async fn cases(name: &str, tests: &mut Tests) {
    let driver = Driver::open(name, "app").await;
    let server = driver.who().await.2;
    let alice = value("ALICE");

    let mut wrong = Vec::new();
    for _ in 0..20 {
        match driver.run(&alice, NOTES, None, true).await {
            Ok(found) if found == ["of alice"] => {}
            other => wrong.push(format!("alice: {other:?}")),
        }
        wrong.extend(usable(&driver, server).await);
    }
    tests.result(format!("{name}: users take turns on one connection"), wrong);

    for (what, token, sqlstate) in [
        ("an expired token", value("EXPIRED"), "23514"),
        ("a forged token", value("FORGED"), "23514"),
        ("no JWT", "alice".into(), "42804"),
    ] {
        let mut wrong = Vec::new();
        match driver.run(&token, NOTES, None, true).await {
            Ok(found) => wrong.push(format!("accepted: {found:?}")),
            Err(error) => {
                wrong.extend(token_in(&error));
                match error.downcast_ref::<TokenRefused>() {
                    Some(refusal) if refusal.sqlstate == sqlstate => {}
                    _ => wrong.push(format!("not refused: {error:?}")),
                }
            }
        }
        wrong.extend(usable(&driver, server).await);
        tests.result(format!("{name}: {what} is refused, and its text is in no error"), wrong);
    }

    let keyless = Driver::open(name, "keyless").await;
    for (what, driver, query, argument, part) in [
        ("a constraint of the work", &driver, INSERT, Some(""), "note_body_check"),
        ("a server without keys", &keyless, NOTES, None, "55000"),
    ] {
        let mut wrong = Vec::new();
        match driver.run(&alice, query, argument, true).await {
            Ok(found) => wrong.push(format!("accepted: {found:?}")),
            Err(error) => {
                wrong.extend(token_in(&error));
                let text = format!("{error:?}");
                if error.is::<TokenRefused>() || !text.contains(part) {
                    wrong.push(format!("not the error: {text}"));
                }
            }
        }
        tests.result(format!("{name}: {what} is no refused token"), wrong);
    }

    let mut wrong = usable(&driver, server).await;
    if driver.run(&alice, INSERT, Some("more"), false).await.is_err() {
        wrong.push("could not insert".into());
    }
    wrong.extend(usable(&driver, server).await);
    match driver.run(&alice, NOTES, None, true).await {
        Ok(found) if found == ["of alice"] => {}
        other => wrong.push(format!("alice: {other:?}")),
    }
    tests.result(format!("{name}: what is dropped leaves no row"), wrong);
}

// What docs/drivers.md says of startup parameters.
async fn session_key(tests: &mut Tests) {
    let (port, key) = (value("PGPORT").parse().unwrap(), value("SESSION_JWK"));
    let mut wrong = Vec::new();
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("app")
        .database("session_key")
        .ssl_mode(sqlx::postgres::PgSslMode::Disable)
        .options([("pg_session_jwt.jwk", key.replace('\\', "\\\\").replace(' ', "\\ "))]);
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    if let Err(error) = sqlx::query("SELECT auth.init()").execute(&pool).await {
        wrong.push(error.to_string());
    }
    let mut config = tokio_postgres::Config::new();
    let options = format!("-c pg_session_jwt.jwk={}", key.replace('\\', "\\\\").replace(' ', "\\ "));
    config.host("127.0.0.1").port(port).user("app").dbname("session_key").options(options);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    if let Err(error) = client.batch_execute("SELECT auth.init()").await {
        wrong.push(error.to_string());
    }
    tests.result("sqlx, tokio-postgres: the session's key in options".into(), wrong);
}

#[tokio::main]
async fn main() {
    let mut tests = Tests { count: 0, failed: false };
    for name in ["sqlx", "tokio-postgres"] {
        cases(name, &mut tests).await;
    }
    session_key(&mut tests).await;
    println!("1..{}", tests.count);
    std::process::exit(tests.failed.into());
}

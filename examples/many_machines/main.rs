//! Do many machines decide as one?
//!
//! Three machines, which are processes of their own, share one Redis server and trust one issuer. Clients of all
//! kinds ask them at once, while tokens are revoked on one machine after the other, Redis is killed and comes
//! back, and a machine is killed and comes back. Each answer is judged; a wrong one makes this example fail.
//!
//! `machine.rs` is what a server of your own needs. Redis's own program, `redis-server`, has to be there.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

mod load;
mod machine;
mod processes;
mod tally;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clearance::jwk::Algorithm;
use clearance::testing::Issuer;
use load::{Caller, Doomed, Load};
use processes::{Machine, Redis};
use tokio::time::{Instant, sleep, timeout};

const MACHINES: usize = 3;
/// The one that is killed.
const LAST: usize = 2;
/// How long recovery may take, on a machine that is busy with others.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than all of it ever takes.
const LIMIT: Duration = Duration::from_mins(2);

/// All there is.
struct World {
    redis: Redis,
    issuer: Issuer,
    machines: Vec<Machine>,
    load: Arc<Load>,
    /// Somebody who is always let in.
    witness: Caller,
    greedy: Caller,
    revoked: usize,
    /// What is revoked where nobody else could be told.
    untold: Vec<Caller>,
}

impl World {
    async fn new() -> Result<Self, Box<dyn Error>> {
        let redis = Redis::start().await?;
        let issuer = Issuer::builder(machine::RESOURCE.parse()?).algorithms([Algorithm::EdDSA]);
        let issuer = issuer.start().await?;
        let mut machines = Vec::new();
        for _ in 0..MACHINES {
            machines.push(Machine::start(0, issuer.id().as_str(), &redis.url()).await?);
        }
        let of = |subject: &str| issuer.token().subject(subject).mint();
        let good = (0..40).map(|number| Caller::Good(of(&format!("user {number}"))));
        let bad = [
            issuer.token().wrong_signature().mint(),
            issuer.token().wrong_audience().mint(),
            issuer.token().expired().mint(),
            "no.token.at.all".to_owned(),
        ];
        let callers = good.chain(bad.map(Caller::Bad)).collect();
        let addresses = machines.iter().map(|machine| machine.address).collect();
        Ok(Self {
            load: Arc::new(Load::new(addresses, callers)?),
            witness: Caller::Good(of("witness")),
            greedy: Caller::Greedy(of("greedy")),
            redis,
            issuer,
            machines,
            revoked: 0,
            untold: Vec::new(),
        })
    }

    /// Waits until all machines let somebody in; gives how long it took.
    async fn recovers(&self) -> Result<Duration, Box<dyn Error>> {
        let since = Instant::now();
        let all = async {
            for machine in 0..MACHINES {
                self.load.is_served(machine, &self.witness).await;
            }
        };
        match timeout(PATIENCE, all).await {
            Ok(()) => Ok(since.elapsed()),
            Err(late) => Err(format!("not all machines let anybody in: {late}").into()),
        }
    }

    /// Waits until no machine lets the caller in, but answers with one of these.
    async fn is_refused(&self, caller: &Caller, by: &[u16]) -> Result<(), Box<dyn Error>> {
        let refused = self.load.is_refused_everywhere(caller, by);
        let late = timeout(PATIENCE, refused).await;
        late.map_err(|late| format!("a revoked token is still let in: {late}").into())
    }

    /// Revokes tokens on one of the first so many machines after the other, for some time.
    async fn revokes(&mut self, machines: usize, time: Duration) -> Result<(), Box<dyn Error>> {
        let end = Instant::now().checked_add(time).ok_or("a long time")?;
        while Instant::now() < end {
            self.revoked = self.revoked.saturating_add(1);
            let id = format!("t{}", self.revoked);
            let token = self.issuer.token().subject(&id).token_id(&id).mint();
            let doomed = Doomed::new(id, token);
            let caller = Caller::Doomed(Arc::clone(&doomed));
            self.load.add(caller.clone());
            // It is used everywhere before.
            for machine in 0..machines {
                self.load.ask(machine, &caller).await;
            }
            sleep(Duration::from_millis(40)).await;

            let number = self.revoked.checked_rem(machines).unwrap_or_default();
            let machine = self.machines.get_mut(number).ok_or("no machine")?;
            doomed.begins();
            let is_told = machine.revoke(&doomed.id).await?;
            doomed.is_revoked(number, is_told);
            let since = Instant::now();
            if is_told {
                self.is_refused(&caller, &[401, 503]).await?;
                self.load.tally().refused_after(since.elapsed());
            } else {
                self.untold.push(caller);
            }
        }
        Ok(())
    }

    async fn well(&mut self) -> Result<(), Box<dyn Error>> {
        self.load.tally().begin("all is well");
        self.revokes(MACHINES, Duration::from_millis(2_500)).await
    }

    /// Nobody is let in for longer than the bound, and nobody is told that a good token is none.
    async fn without_redis(&mut self) -> Result<(), Box<dyn Error>> {
        self.load.tally().begin("Redis is killed");
        self.redis.kill();
        self.load.outage(Some(Instant::now()));
        self.revokes(MACHINES, Duration::from_millis(2_500)).await
    }

    async fn with_redis_again(&mut self) -> Result<(), Box<dyn Error>> {
        self.load.tally().begin("Redis is back");
        self.load.outage(None);
        self.redis.run()?;
        let time = self.recovers().await?;
        self.load.tally().recovered_after(time);
        // What nobody could be told of is known to all.
        for caller in std::mem::take(&mut self.untold) {
            self.is_refused(&caller, &[401]).await?;
        }
        self.revokes(MACHINES, Duration::from_millis(1_500)).await
    }

    async fn without_a_machine(&mut self) -> Result<(), Box<dyn Error>> {
        self.load.tally().begin("machine 3 is killed");
        drop(self.machines.pop());
        self.revokes(LAST, Duration::from_millis(1_500)).await
    }

    /// It knows what was revoked while it was away before it lets anybody in.
    async fn with_all_again(&mut self) -> Result<(), Box<dyn Error>> {
        self.load.tally().begin("machine 3 is back");
        let since = Instant::now();
        let port = self.load.port(LAST).ok_or("no machine")?;
        let redis = self.redis.url();
        let machine = Machine::start(port, self.issuer.id().as_str(), &redis).await?;
        self.machines.push(machine);
        self.recovers().await?;
        self.load.tally().recovered_after(since.elapsed());
        self.revokes(MACHINES, Duration::from_millis(1_500)).await
    }
}

/// What happens, one after the other.
async fn story(world: &mut World) -> Result<(), Box<dyn Error>> {
    world.recovers().await?;
    let _clients = load::begin(&world.load, &world.greedy);
    world.well().await?;
    world.without_redis().await?;
    world.with_redis_again().await?;
    world.without_a_machine().await?;
    world.with_all_again().await
}

async fn run() -> Result<bool, Box<dyn Error>> {
    let mut world = World::new().await?;
    let end = story(&mut world).await;
    let mut tally = world.load.tally();
    let is_right = tally.end();
    println!("{tally}");
    end.map(|()| is_right)
}

/// Somebody wants this program to end: what it has started ends first.
async fn stopped() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminated.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["machine", port, issuer, redis] = arguments.as_slice() {
        machine::serve(port.parse()?, issuer, redis).await?;
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        is_right = timeout(LIMIT, run()) => Ok(ExitCode::from(u8::from(!is_right??))),
        _ = stopped() => Err("stopped".into()),
    }
}

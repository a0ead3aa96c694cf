//! A sweep that is gone on with: its own command line, and what may be given anew.

use std::{ffi::OsString, fs, path::Path};

use clap::{
    Arg, ArgMatches, Command as Grammar, CommandFactory as _, Parser as _, parser::ValueSource,
};

use super::{args::SweepArgs, plan::plan};
use crate::{
    cli::{
        args::{Cli, Command},
        list_file::is_stdin,
        plan::usage,
    },
    engine::sweep::{checkpoint::Checkpoint, plan::SweepPlan},
    error::{Error, Result},
};

/// The command whose lines these are.
const SWEEP: &str = "sweep";

/// Options that name files, which stay where they are when a run is gone on with in
/// another folder.
const FILES: [&str; 7] = [
    "target_file",
    "exclude",
    "output",
    "metadata",
    "status_file",
    "responders",
    "checkpoint",
];

/// Options that may be given anew: they change neither what is probed nor what stands
/// in the output already.
const ANEW: [&str; 25] = [
    "resume",
    "rate",
    "bandwidth",
    "hop_rate",
    "max_share_of_link",
    "tx_cores",
    "cooldown",
    "max_runtime",
    "max_probes",
    "min_response_rate",
    "max_send_failures",
    "contact",
    "interface",
    "source",
    "rx",
    "slots",
    "tx",
    "tx_batch",
    "no_consume",
    "on_backlog",
    "metadata",
    "status_file",
    "responders",
    "quiet",
    "dry_run",
];

/// Options that say how records are written: settled by those that stand there.
const SETTLED: [&str; 6] = ["format", "json", "output", "paths", "select", "checkpoint"];

/// Options of a single run, which a checkpoint does not hold.
const PASSING: [&str; 2] = ["resume", "dry_run"];

/// A command line of a sweep, by options.
struct Given {
    grammar: Grammar,
    options: ArgMatches,
}

impl Given {
    /// From all words, the program's name first.
    fn parse(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Option<Self> {
        let program = Cli::command();
        let grammar = program.find_subcommand(SWEEP)?.clone();
        let mut matches = program.try_get_matches_from(line).ok()?;
        let (_, options) = matches
            .remove_subcommand()
            .filter(|(name, _)| name == SWEEP)?;
        Some(Self { grammar, options })
    }

    fn has(&self, id: &str) -> bool {
        self.options.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// Refuses what the run that is gone on with would have to begin anew for.
    fn check_anew(&self) -> Result<()> {
        for option in self.grammar.get_arguments() {
            let id = option.get_id().as_str();
            if ANEW.contains(&id) || !self.has(id) {
                continue;
            }
            let name = match option.get_long() {
                Some(long) => format!("--{long}"),
                None => "TARGET".to_owned(),
            };
            return match SETTLED.contains(&id) {
                true => usage(format!(
                    "{name} cannot change when a run is gone on with: leave it out beside --resume"
                )),
                false => usage(format!(
                    "{name} beside --resume would change the plan, which is gone on with as it \
                     began: leave it out, or begin anew without --resume"
                )),
            };
        }
        Ok(())
    }

    /// The words of a line that asks for the same, and for what `anew` has instead,
    /// wherever it is given.
    fn words(&self, anew: Option<&Self>) -> Vec<String> {
        let (mut words, mut targets) = (vec![SWEEP.to_owned()], Vec::new());
        for option in self.grammar.get_arguments() {
            let id = option.get_id().as_str();
            let other = match id {
                "rate" => "bandwidth",
                "bandwidth" => "rate",
                _ => id,
            };
            let given = match anew {
                Some(anew) if anew.has(id) => anew,
                Some(anew) if anew.has(other) => continue,
                _ => self,
            };
            if PASSING.contains(&id) || !given.has(id) {
                continue;
            }
            match option.get_long() {
                Some(long) => words.extend(given.option(option, long)),
                None => targets.extend(given.values(id)),
            }
        }
        if !targets.is_empty() {
            words.push("--".to_owned());
        }
        words.extend(targets);
        words
    }

    fn option(&self, option: &Arg, long: &str) -> Vec<String> {
        if !option.get_action().takes_values() {
            return vec![format!("--{long}")];
        }
        let values = self.values(option.get_id().as_str());
        values.map(|value| format!("--{long}={value}")).collect()
    }

    fn values(&self, id: &str) -> impl Iterator<Item = String> {
        let values = self.options.get_raw(id).into_iter().flatten();
        values.map(move |value| {
            let path = Path::new(value);
            if !FILES.contains(&id) || is_stdin(path) {
                return value.to_string_lossy().into_owned();
            }
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            path.to_string_lossy().into_owned()
        })
    }
}

/// The plan of `probe sweep`; `line`: all words, the program's name first.
pub(crate) fn sweep(args: SweepArgs, line: &[OsString]) -> Result<SweepPlan> {
    let Some(given) = Given::parse(line) else {
        return usage("this is no command line of a sweep");
    };
    match args.shape.resume.clone() {
        Some(file) => resume(&given, &args, &file),
        None => plan(args, given.words(None), None),
    }
}

fn resume(given: &Given, args: &SweepArgs, file: &Path) -> Result<SweepPlan> {
    given.check_anew()?;
    let checkpoint = read_checkpoint(file)?;
    if checkpoint.done {
        return Err(Error::Usage(format!(
            "{}: nothing is left to do: the run was complete",
            file.display()
        )));
    }
    let Some((mut again, arguments)) = again(&checkpoint, given) else {
        return Err(Error::Usage(format!(
            "{}: its command line makes no sweep: it was changed, or is of another version",
            file.display()
        )));
    };
    again.probes.seed = Some(checkpoint.seed);
    // One that the user named stays when all is done.
    let named = again.output.checkpoint.replace(file.to_owned()).is_some();
    again.output.dry_run = args.output.dry_run;
    let (cursor, digest) = (checkpoint.cursor, checkpoint.plan);
    let mut plan = plan(again, arguments, Some(checkpoint))?;
    plan.output.passing_checkpoint = !named;
    if plan.digest() != digest {
        return Err(Error::Usage(format!(
            "{}: the plan is not the one that the run began with (targets, TTLs, flows or seed are \
             others), so cursor {cursor} means nothing: begin anew without --resume",
            file.display()
        )));
    }
    let steps = plan.schedule().steps();
    if cursor > steps {
        return Err(refuse(
            file,
            &format!("it is damaged: its cursor is {cursor}, and the plan has {steps} steps"),
        ));
    }
    Ok(plan)
}

/// The command line in force: that of the checkpoint, and what is given anew.
fn again(checkpoint: &Checkpoint, given: &Given) -> Option<(SweepArgs, Vec<String>)> {
    let with_program = |words: &[String]| [&["probe".to_owned()], words].concat();
    let before = Given::parse(with_program(&checkpoint.arguments))?;
    let arguments = before.words(Some(given));
    match Cli::try_parse_from(with_program(&arguments)).ok()?.command {
        Command::Sweep(again) => Some((*again, arguments)),
        _ => None,
    }
}

fn read_checkpoint(file: &Path) -> Result<Checkpoint> {
    let text = fs::read(file).map_err(|error| refuse(file, &error.to_string()))?;
    Checkpoint::from_json(&text).map_err(|error| refuse(file, &error.to_string()))
}

fn refuse(file: &Path, why: &str) -> Error {
    Error::Usage(format!(
        "cannot resume from {}: {why}; give the file that --checkpoint wrote",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        cli::{Request, parse},
        engine::sweep::checkpoint::SCHEMA,
    };

    fn plan_of(line: &str) -> std::result::Result<SweepPlan, String> {
        let words = ["probe", "sweep"].into_iter();
        match parse(words.chain(line.split_whitespace())) {
            Ok(Request::Sweep(plan)) => Ok(*plan),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A run that was interrupted.
    struct Interrupted {
        file: tempfile::NamedTempFile,
        checkpoint: Checkpoint,
    }

    impl Interrupted {
        fn new(line: &str) -> Self {
            let interrupted = Self {
                file: tempfile::NamedTempFile::new().expect("a file"),
                checkpoint: checkpoint_of(&plan_of(line).expect("a plan")),
            };
            interrupted.save(&interrupted.checkpoint);
            interrupted
        }

        fn save(&self, checkpoint: &Checkpoint) {
            let text = serde_json::to_vec(checkpoint).expect("JSON");
            fs::write(self.file.path(), text).expect("written");
        }

        fn resume(&self, options: &str) -> std::result::Result<SweepPlan, String> {
            plan_of(&format!(
                "--resume {} {options}",
                self.file.path().display()
            ))
        }
    }

    fn checkpoint_of(plan: &SweepPlan) -> Checkpoint {
        Checkpoint {
            schema: SCHEMA,
            arguments: plan.arguments.clone(),
            seed: plan.seed,
            plan: plan.digest(),
            cursor: 7,
            reserved: 100,
            output: 0,
            done: false,
        }
    }

    #[test]
    fn all_options_named_here_are_options() {
        let program = Cli::command();
        let sweep = program.find_subcommand(SWEEP).expect("a command");
        let ids: Vec<_> = sweep.get_arguments().map(|a| a.get_id().as_str()).collect();
        for id in [&FILES[..], &ANEW, &SETTLED, &PASSING].concat() {
            assert!(ids.contains(&id), "{id}");
        }
    }

    #[test]
    fn what_would_make_another_run_is_refused_by_name() {
        let run = Interrupted::new("--ping --allow-private 10.0.0.0/24 10.1.0.0/24");
        assert_eq!(run.resume("").expect("a plan").targets.len(), 512);
        for (options, name, advice) in [
            ("--exclude /tmp/spare", "--exclude ", "begin anew"),
            ("--blocklist /tmp/spare", "--exclude ", "begin anew"),
            ("--targets /tmp/more", "--targets ", "begin anew"),
            ("10.2.0.0/24", "TARGET ", "begin anew"),
            ("-4", "--ipv4 ", "begin anew"),
            ("--allow-private", "--allow-private ", "begin anew"),
            ("--ttl 3", "--ttl ", "begin anew"),
            ("-P 3", "--probes ", "begin anew"),
            ("--seed 7", "--seed ", "begin anew"),
            ("--udp", "--udp ", "begin anew"),
            ("--timeout 3", "--timeout ", "begin anew"),
            ("-o /tmp/other", "--output ", "leave it out"),
            ("--format csv", "--format ", "leave it out"),
            ("--checkpoint /tmp/other", "--checkpoint ", "leave it out"),
        ] {
            let error = run.resume(options).expect_err(options);
            assert!(error.starts_with(name), "{error}");
            assert!(
                error.contains("--resume") && error.contains(advice),
                "{error}"
            );
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn pace_and_limits_given_anew_are_in_force_and_stay_so() {
        let run = Interrupted::new(
            "--ping --allow-private --bandwidth 1M --max-probes 9 --contact a@b 10.0.0.0/24",
        );
        let plan = run
            .resume(
                "--rate 5 --max-runtime 7s --max-probes 11 --min-response-rate 0.1 -c 9s \
                 --max-send-failures 3 --hop-rate 2 --max-share-of-link 10 --tx raw --quiet \
                 --metadata run.json --dry-run",
            )
            .expect("a plan");
        let in_force = |plan: &SweepPlan| {
            assert_eq!((plan.probes.rate, plan.hop_rate), (Some(5), Some(2)));
            assert_eq!(plan.limits.runtime, Some(Duration::from_secs(7)));
            assert_eq!(plan.limits.probes, Some(11));
            assert_eq!(plan.limits.response_rate, Some(0.1));
            assert_eq!(plan.limits.send_failures, Some(3));
            assert_eq!(plan.share_of_link.to_string(), "0.1");
            assert_eq!(plan.cooldown, Duration::from_secs(9));
            assert_eq!(plan.probes.contact, "a@b");
            let metadata = plan.output.metadata.as_deref().expect("metadata");
            assert!(metadata.is_absolute() && metadata.ends_with("run.json"));
            assert!(plan.output.quiet);
        };
        in_force(&plan);
        assert!(plan.dry_run);
        run.save(&checkpoint_of(&plan));
        let plan = run.resume("").expect("a plan");
        in_force(&plan);
        assert!(!plan.dry_run && plan.output.passing_checkpoint);
        run.save(&checkpoint_of(&plan));
        let bandwidth = run.resume("--bandwidth 672k").expect("a plan");
        assert!(bandwidth.probes.rate.is_some_and(|rate| rate > 100));
    }

    #[test]
    fn files_are_those_of_the_first_run_wherever_it_is_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let list = folder.path().join("list");
        fs::write(&list, "10.0.0.0/24\n").expect("written");
        let here = std::env::current_dir().expect("a folder");
        let line = format!(
            "--ping --allow-private --targets {} -o new.jsonl -u /dev/null",
            list.display()
        );
        let arguments = plan_of(&line).expect("a plan").arguments;
        let output = format!("--output={}", here.join("new.jsonl").display());
        assert!(arguments.contains(&output), "{arguments:?}");
        assert!(arguments.contains(&"--status-file=/dev/null".to_owned()));
        let run = Interrupted::new(&line);
        let plan = run.resume("").expect("a plan");
        assert_eq!(plan.output.file, Some(here.join("new.jsonl")));
        let standard = plan_of("--ping -o - 8.8.8.8").expect("a plan");
        assert!(standard.arguments.contains(&"--output=-".to_owned()));
        assert_eq!(
            standard.arguments[standard.arguments.len() - 2..],
            ["--", "8.8.8.8"]
        );
    }

    #[test]
    fn a_cursor_beyond_the_plan_is_damage_and_not_the_end() {
        let run = Interrupted::new("--ping --allow-private 10.0.0.0/24");
        let at = |cursor| {
            run.save(&Checkpoint {
                cursor,
                reserved: 10_000,
                ..run.checkpoint.clone()
            });
            run.resume("").map(|plan| plan.targets.len())
        };
        assert_eq!(at(256), Ok(256));
        for cursor in [257, 10_000] {
            let error = at(cursor).expect_err("damaged");
            assert!(
                error.contains("damaged") && error.contains("256 steps"),
                "{error}"
            );
        }
    }
}

package AIGC::Container;

# The built image, run as a node runs it: by runc, as the image says (user, entrypoint,
# command, signal), on a read-only root file system, without capabilities, with what a
# pod mounts.  Its network is the caller's.

use strict;
use warnings;

use Carp qw(croak);
use File::Path qw(make_path remove_tree);
use JSON::PP ();
use Time::HiRes qw(sleep time);

use AIGC::Process;

my $json = JSON::PP->new->utf8->canonical;
my $count = 0;

# The image: its files below DIR, and its configuration.
sub image {
    my ($class, $dir) = @_;
    system('scripts/image', 'root', "$dir/root") == 0 or croak 'scripts/image has failed';
    my $tar = 'build/image/aigc-gateway.tar';
    my $manifest = $json->decode(scalar qx{tar xOf $tar manifest.json})->[0];
    my $config = $json->decode(scalar qx{tar xOf $tar $manifest->{Config}});
    return { root => "$dir/root", dir => $dir, manifest => $manifest, config => $config->{config} };
}

# start($image, env => {}, mounts => [[source, destination, 'rw'?], …], tmpfs => [folders],
# args => [command in the place of the image's], log => FILE)
sub start {
    my ($class, $image, %o) = @_;
    my $id = "aigc-image-$$-" . ++$count;
    my $bundle = "$image->{dir}/$id";
    my ($uid, $gid) = split /:/, $image->{config}{User};
    make_path($bundle);

    my @mounts = (
        { destination => '/proc', type => 'proc', source => 'proc' },
        { destination => '/dev', type => 'tmpfs', source => 'tmpfs', options => ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
        { destination => '/dev/shm', type => 'tmpfs', source => 'shm', options => ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'] },
        (map { { destination => $_, type => 'tmpfs', source => 'tmpfs', options => ['nosuid', 'nodev', $_ eq '/tmp' ? 'mode=1777' : "mode=755,uid=$uid"] } }
            @{ $o{tmpfs} // ['/tmp', '/etc/nginx/conf.d'] }),
        (map { { destination => $_->[1], type => 'bind', source => $_->[0], options => ['bind', $_->[2] // 'ro'] } }
            @{ $o{mounts} // [] }),
    );
    my %env = %{ $o{env} // {} };
    open my $f, '>', "$bundle/config.json" or croak "$bundle: $!";
    print $f $json->encode({
        ociVersion => '1.0.2',
        process => { terminal => JSON::PP::false, cwd => '/', noNewPrivileges => JSON::PP::true,
            user => { uid => 0 + $uid, gid => 0 + $gid }, capabilities => {},
            env => [@{ $image->{config}{Env} }, map { "$_=$env{$_}" } sort keys %env],
            args => [@{ $image->{config}{Entrypoint} }, @{ $o{args} // $image->{config}{Cmd} }] },
        root => { path => $image->{root}, readonly => JSON::PP::true },
        mounts => \@mounts,
        linux => { namespaces => [map { { type => $_ } } qw(pid ipc uts mount)] },
    });
    close $f;

    my $self = bless { image => $image, id => $id, bundle => $bundle, out => "$o{log}.out", err => "$o{log}.err" }, $class;
    $self->{began} = time;
    $self->{process} = AIGC::Process->start(name => $id, tied => 1,
        command => ['sh', '-c', 'out=$1; shift; exec "$@" >"$out"', 'sh', $self->{out},
            'runc', '--root', "$image->{dir}/runc", 'run', '--bundle', $bundle, $id],
        log => $self->{err}, pidfile => "$image->{dir}/$id.pid");
    return $self;
}

sub process { $_[0]{process} }
sub out { _read($_[0]{out}) }
sub err { _read($_[0]{err}) }

# Runs to its end: (exit status, stdout, stderr).
sub run {
    my ($class, $image, %o) = @_;
    my $self = $class->start($image, %o);
    my $status = $self->wait_end(20);
    $self->delete;
    return ($status, $self->out, $self->err);
}

# The exit status, or undef if it has not ended by then.
sub wait_end {
    my ($self, $seconds) = @_;
    my $end = time + $seconds * $AIGC::Process::PATIENCE;
    sleep 0.02 while $self->{process}->alive && time < $end;
    return if $self->{process}->alive;
    return $self->{process}->status >> 8;
}

# A command in it, as its own user: (exit status, what it said).
sub exec {
    my ($self, @command) = @_;
    open my $out, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', 'runc', '--root',
        "$self->{image}{dir}/runc", 'exec', '--user', $self->{image}{config}{User}, $self->{id}, @command
        or croak $!;
    my $text = do { local $/; <$out> };
    close $out;
    return ($? >> 8, $text);
}

sub signal { my ($self, $signal) = @_; $signal =~ s/^SIG//; return $self->{process}->signal($signal) }

sub delete {
    my $self = shift;
    my @killed = $self->{process}->stop(TERM => 5);
    system "runc --root $self->{image}{dir}/runc delete --force $self->{id} >/dev/null 2>&1";
    remove_tree($self->{bundle});
    return @killed;
}

sub _read {
    my ($file) = @_;
    open my $f, '<', $file or return '';
    local $/;
    return <$f> // '';
}

1;

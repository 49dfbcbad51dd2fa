# t/templates.t — a template is shown as the GameServerSet itself says: all five
# shapes of the original's page, on the real cluster

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $image = 'yunqi-registry.cn-shanghai.cr.aliyuncs.com/lab/stable-diffusion:v1.0.0-cpu';

# The page gives one template whole, and what is different in the other four.
my %shape = (
    'sd-cpu'     => {},
    'sd-gpu'     => { limits => { 'nvidia.com/gpu' => 1 } },
    'sd-gpu-mem' => { limits => { 'aliyun.com/gpu-mem' => 3 } },
    'sd-eci-cpu' => { limits => { cpu => '2', memory => '4Gi' },
        metadata => { labels => { 'alibabacloud.com/eci' => 'true' } } },
    'sd-eci-gpu' => { limits => { 'nvidia.com/gpu' => 1 },
        metadata => { labels => { 'alibabacloud.com/eci' => 'true' },
            annotations => { 'k8s.aliyun.com/eci-use-specs' => 'ecs.gn7i-c8g1.2xlarge' } } },
);

# cpu, memory, gpu, gpuKind
my %shown = (
    'sd-cpu'     => ['', '', '', ''],
    'sd-gpu'     => ['', '', '1', 'nvidia.com/gpu'],
    'sd-gpu-mem' => ['', '', '3Gi', 'aliyun.com/gpu-mem'],
    'sd-eci-cpu' => ['2', '4Gi', '', ''],
    'sd-eci-gpu' => ['', '', 'ecs.gn7i-c8g1.2xlarge', 'nvidia.com/gpu'],
);

my $t     = AIGC::Stack->start(templates => []);
my $alice = $t->sign_in('alice');

sub templates { return { map { $_->{name} => $_ } @{ $alice->api('GET', '/api/v1/templates')->json->{templates} } } }

is_deeply templates(), {}, 'none yet';

for my $name (sort keys %shape) {
    my $is = $shape{$name};
    $t->apply_template('stable-diffusion-cpu', { metadata => { name => $name } }, sub {
        my ($gss) = @_;
        my $template = $gss->{spec}{gameServerTemplate};
        $template->{metadata} = $is->{metadata} if $is->{metadata};
        $template->{spec}{containers}[0]{resources} = { limits => $is->{limits} } if $is->{limits};
        $_->{value} = "$name-<id>." . $t->root
            for grep { $_->{name} eq 'Host' } @{ $gss->{spec}{network}{networkConf} };
    });
}

my $templates = templates();
is_deeply [sort keys %$templates], [sort keys %shape], 'all five are there';

for my $name (sort keys %shape) {
    my ($cpu, $memory, $gpu, $kind) = @{ $shown{$name} };
    is_deeply $templates->{$name}, {
        namespace => 'default', name => $name, title => $name, description => '', icon => '',
        image => $image, disk => '50Gi', instances => { running => 0, released => 0 },
        resources => { cpu => $cpu, memory => $memory, gpu => $gpu, gpuKind => $kind },
        update => { seamless => JSON::PP::false, reason => undef }, misconfigured => undef,
    }, "$name is shown as it is";
}

# Each can be installed, and is counted.
for my $name (sort keys %shape) {
    my $inst = $alice->install($name)->wait_ready;
    is $alice->get($inst->url('/info'))->json->{template}, $name, "$name runs";
    is_deeply templates()->{$name}{instances}, { running => 1, released => 0 }, '… and is counted';
}
my $inst = ($alice->instances)[0];
$inst->release->wait_state('released');
is_deeply templates()->{ $inst->template }{instances}, { running => 0, released => 1 }, 'a released one, too';

# Words and pictures, as they change.
$t->kubectl('annotate', 'gss', 'sd-cpu', 'aigc-gateway.io/title=Stable Diffusion', 'aigc-gateway.io/description=On CPUs.',
    'aigc-gateway.io/icon=https://example.com/sd.png');
$t->wait_for(sub { templates()->{'sd-cpu'}{title} eq 'Stable Diffusion' }, 10, 'the title');
my $now = templates()->{'sd-cpu'};
is $now->{description}, 'On CPUs.', 'the description';
is $now->{icon}, 'https://example.com/sd.png', 'the icon';

# The strategy, as it changes.
for (
    [undef, 0, undef],
    [{ type => 'OnDelete' }, 1, undef],
    [{ rollingUpdate => { paused => JSON::PP::true } }, 1, undef],
    [{ type => 'OnDelete', rollingUpdate => { paused => JSON::PP::true, partition => 0 } }, 1, undef],
    [{ type => 'OnDelete', rollingUpdate => {} }, 0, qr/rollingUpdate block beside type OnDelete/],
    [{ rollingUpdate => { paused => JSON::PP::true, partition => 1 } }, 0, qr/partition/],
    [{ type => 'Recreate' }, 0, qr/neither RollingUpdate nor OnDelete/],
    [{ type => 'RollingUpdate', rollingUpdate => { paused => JSON::PP::false } }, 0, undef],
) {
    my ($strategy, $seamless, $reason) = @$_;
    my $text = JSON::PP->new->canonical->encode($strategy // {});
    $t->kubectl('patch', 'gss', 'sd-cpu', '--type=json', '-p', JSON::PP->new->encode([
        { op => 'replace', path => '/spec/updateStrategy', value => $strategy // {} }]));
    my $is;
    $t->wait_for(sub {
        $is = templates()->{'sd-cpu'}{update};
        !!$is->{seamless} == !!$seamless && ($reason ? ($is->{reason} // '') =~ $reason : !defined $is->{reason});
    }, 10, sub { "$text: " . JSON::PP->new->encode($is) });
    pass "$text: " . ($seamless ? 'seamless' : 'not seamless') . ($reason ? ', with the reason' : '');
}

# One that goes is not shown any more.
$t->kubectl('delete', 'gss', 'sd-gpu', '--wait=false');
$t->wait_for(sub { !templates()->{'sd-gpu'} }, 10, 'a deleted one goes');
pass 'a deleted one is not shown';

done_testing;

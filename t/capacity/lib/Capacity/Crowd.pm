package Capacity::Crowd;

# Hundreds of thousands of objects in a real cluster: copies of one instance that
# the controllers have made, under other names and with other owners, put into
# etcd as the API server would have.  The API server lists and streams them as
# any others.

use strict;
use warnings;

use Carp qw(croak);
use IO::Handle;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);

use AIGC::Crowd;
use AIGC::HTTP;

use constant TXN => 100;        # objects a transaction: etcd takes 128

my $json = JSON::PP->new->utf8->canonical;
my $crds = '/registry/game.kruise.io';

# Of an installed instance with all that OpenKruiseGame has made for it.
# real => N: the objects of the first N templates are in etcd; those of the others
# come from files, which the proxy in front of the API server sends before its lists.
sub new {
    my ($class, $t, $inst, %o) = @_;
    my $self = bless { %o, t => $t, template => $inst->data->{template}, id => $inst->id, templates => 0, foreign => 0 }, $class;

    my %object = (
        gss => $t->kube_get('gss', $self->{template}), gs => $t->kube_get('gs', $inst->pod), pod => $t->kube_get('pods', $inst->pod),
        sts => $t->kube_get("/apis/apps.kruise.io/v1beta1/namespaces/default/statefulsets/$self->{template}"),
        disk => ($t->kube_list('pvcs'))[0],
    );
    @{ $object{disk} }{qw(apiVersion kind)} = ('v1', 'PersistentVolumeClaim');      # lists leave them out
    $self->{uid} = { map { $_ => $object{$_}{metadata}{uid} } keys %object };
    $self->{ip}  = $object{pod}{status}{podIP};
    $self->{gss} = $object{gss};
    $self->{$_}  = $self->_pattern($object{$_}) for qw(sts gs pod disk);

    # what the gateway is never sent need not be large
    delete @{ $object{pod}{metadata} }{qw(labels ownerReferences annotations managedFields)};
    $object{pod}{spec} = { containers => [{ name => 'c', image => 'i' }], nodeName => 'node' };
    $object{pod}{status} = { phase => 'Running', podIP => $self->{ip} };
    $self->{other} = $self->_pattern($object{pod});
    return $self;
}

# An object as text, in which %name% stands for what each copy has of its own.
sub _pattern {
    my ($self, $object) = @_;
    delete @{ $object->{metadata} }{qw(resourceVersion selfLink)};
    my $text = $json->encode($object);
    my ($name, $id) = @$self{qw(template id)};

    $text =~ s/\Q$name\E-$id\b/%name%-%id%/g;
    $text =~ s/\Q$name\E(?=["-])/%name%/g;
    $text =~ s/instances$id-cpu\./%name%-%id%./g;
    $text =~ s/\Q$self->{ip}\E\b/%ip%/g;
    $text =~ s/$self->{uid}{$_}/%$_%/g for keys %{ $self->{uid} };
    $text =~ s/"aigc-gateway.io\/owner":"\K[^"]*/%owner%/;
    return $text;
}

sub _fill { my ($text, $is) = @_; return $text =~ s/%(\w+)%/$is->{$1}/gr }

sub _uid { my ($kind, $template, $id) = @_; return sprintf '%08x-0000-4000-8000-%012x', $template, $id * 8 + $kind }

sub name { my ($n) = @_; return "crowd$n" }

# Whose instance it is: alice's are the first ones of the first two templates.
sub owner {
    my ($n, $id) = @_;
    return $id == 0 && $n <= 2 ? 'alice0000000' : sprintf 'u%05d%06d', $n, $id;
}

# Where the pod is.  Nobody listens at that of the first one, which is asked for.
sub _ip {
    my ($n, $id) = @_;
    my $i = $n * 4096 + $id;
    return $n == 1 && $id == 0 ? '127.255.255.254' : join '.', 10, $i >> 16, $i >> 8 & 255, $i & 255;
}

# More templates, until there are so many, each with so many running instances;
# those that are there get more.
sub grow {
    my ($self, $templates, $each) = @_;

    for my $n (1 .. $templates) {
        my $had = $self->{has}{$n} // 0;
        next if $had == $each;
        local $self->{to} = \&_tell if $n > $self->{real};
        my %is = (name => name($n), gss => _uid(0, $n, 0), sts => _uid(1, $n, 0));
        for my $id ($had .. $each - 1) {
            @is{qw(id owner ip gs pod disk)} = ($id, owner($n, $id), _ip($n, $id), map { _uid($_, $n, $id) } 2 .. 4);
            $self->_put("$crds/gameservers/default/$is{name}-$id", _fill($self->{gs}, \%is));
            $self->_put("/registry/pods/default/$is{name}-$id", _fill($self->{pod}, \%is));
            $self->_put("/registry/persistentvolumeclaims/default/user-data-$is{name}-$id", _fill($self->{disk}, \%is));
        }
        $self->_put('/registry/apps.kruise.io/statefulsets/default/' . $is{name}, _fill($self->{sts}, \%is));
        $self->_send;
        $self->_put("$crds/gameserversets/default/$is{name}", $self->_template($n, $each));
        $self->{has}{$n} = $each;
    }
    $self->_send;
    $self->_told if $self->{file};
}

sub _template {
    my ($self, $n, $each) = @_;
    my $new = $json->decode($json->encode($self->{gss}));
    my $uid = _uid(0, $n, 0);

    delete $new->{metadata}{resourceVersion};
    @{ $new->{metadata} }{qw(name uid)} = (name($n), $uid);
    $new->{metadata}{annotations} = { 'aigc-gateway.io/top' => $each - 1 . '', map { ("instance.aigc-gateway.io/$_" =>
        qq({"owner":"@{[ owner($n, $_) ]}","state":"running","since":"2026-01-01T00:00:00Z","gss":"$uid"})) } 0 .. $each - 1 };
    $new->{spec}{replicas} = $each;
    $_->{value} = AIGC::Crowd::host($self->{t}, name($n), '<id>') for grep { $_->{name} eq 'Host' } @{ $new->{spec}{network}{networkConf} };
    $new->{status}{$_} = $each for qw(replicas currentReplicas readyReplicas availableReplicas updatedReplicas updatedReadyReplicas);
    return $json->encode($new);
}

# So many pods that are nobody's instance.
sub foreign {
    my ($self, $n) = @_;
    for my $i ($self->{foreign} .. $n - 1) {
        my %is = (name => 'other', id => $i, ip => join('.', 11, $i >> 16, $i >> 8 & 255, $i & 255), pod => _uid(5, 0, $i));
        $self->_put("/registry/pods/default/other-$i", $self->{other} =~ s/%(\w+)%/$is{$1} \/\/ 'none'/egr);
    }
    $self->_send;
    $self->{foreign} = $n;
}

sub _put {
    my ($self, $key, $text) = @_;
    $self->{bytes} += length $text;
    $self->{objects}++;
    ($self->{to} // \&_store)->($self, $key, $text);
}

### Files for the proxy

sub _tell {
    my ($self, $key, $text) = @_;
    my ($kind) = $key =~ m{([a-z]+)/default/[^/]+$};
    my $file = $self->{t}->file("run/$kind.events");

    # a template that grows is told again, and the last word counts
    open $self->{file}{$kind}, '>', $file or croak "$file: $!" unless $self->{file}{$kind};
    $text =~ s/"metadata":\{/"metadata":{"resourceVersion":"1",/;
    print { $self->{file}{$kind} } qq({"type":"ADDED","object":$text}\n);
}

sub _told {
    my ($self) = @_;
    $_->flush for values %{ $self->{file} };
    $self->{t}->faults([ map { { path => "/$_\$", query => 'sendInitialEvents=true',
        action => { before => $self->{t}->file("run/$_.events") } } } sort keys %{ $self->{file} } ]);
}

### etcd, by its JSON gateway

sub _store {
    my ($self, $key, $text) = @_;
    push @{ $self->{batch} }, qq({"requestPut":{"key":"@{[ encode_base64($key, '') ]}","value":"@{[ encode_base64($text, '') ]}"}});
    $self->_send if @{ $self->{batch} } == TXN;
}

sub _send {
    my ($self) = @_;
    my $puts = delete $self->{batch} or return;
    my $port = $self->{t}->port(4);
    my $url  = "http://127.0.0.1:$port/v3/kv/txn";
    my $conn = $self->{etcd} //= AIGC::HTTP->connect('127.0.0.1', $port);

    $conn->send(AIGC::HTTP::request_bytes(method => 'POST', url => $url, on => $conn, headers => ['Content-Type' => 'application/json'],
        body => '{"success":[' . join(',', @$puts) . ']}'));
    my $r = $conn->response(method => 'POST', url => $url);
    croak 'etcd: ' . $r->status_line . ' ' . $r->content unless $r->code == 200;
}

1;

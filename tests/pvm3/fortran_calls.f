c     SPDX-License-Identifier: BSD-3-Clause
c     Each routine of libfpvm3 once, with what it has to answer.
      program calls
      implicit none
      include 'fpvm3.h'
      integer me, parent, info, old, buf, second, i, n, tid, tag
      integer bytes, tids(2), numt, ctx, code, nhost, narch, dtid
      integer speed, ptid, flag, inum, ninst, index
      integer mhid, sec, usec, dsec, dusec, length, ints(4), own(2)
      integer nclass, nentry, handled, owners(4), boxes(4)
      common /seen/ handled
      character*64 name, arch, prog, class
      external handler, PvmMax
      call pvmfmytid(me)
      call pvmfparent(parent)
      if (parent .gt. 0) then
        call child(parent)
        stop
      endif
      call pvmfsetopt(PVMAUTOERR, 0, old)
      call same('setopt', old, 1)
      call pvmfgetopt(PVMAUTOERR, old)
      call same('getopt', old, 0)
c     The machine
      nhost = -1
      call pvmfconfig(nhost, narch, dtid, name, arch, speed, info)
      call same('config', nhost, 1)
      call same('config narch', narch, 1)
      call same('config speed', speed, 1000)
      call pvmftidtohost(me, n)
      call same('tidtohost', n, dtid)
      call pvmfmstat(name, info)
      call same('mstat', info, 0)
      call pvmfmstat('nowhere.invalid', info)
      call same('mstat nowhere', info, PVMNOHOST)
      call pvmfarchcode(arch, code)
      if (code .le. 0) call same('archcode', code, 1)
      call pvmfhostsync(dtid, sec, usec, dsec, dusec, info)
      call same('hostsync', info, 0)
      if (sec .lt. 1000000000) call same('clock', sec, 1000000000)
      call pvmfaddhost('nowhere.invalid', info)
      call same('addhost', info, PVMNOHOST)
      call pvmfdelhost('nowhere.invalid', info)
      call same('delhost', info, PVMNOHOST)
      call pvmfstartpvmd(' ', 0, info)
      call same('startpvmd', info, PVMDUPHOST)
c     Buffers
      call pvmfmkbuf(PVMDEFAULT, buf)
      if (buf .le. 0) call same('mkbuf', buf, 1)
      call pvmfsetsbuf(buf, old)
      call same('setsbuf', old, 0)
      call pvmfgetsbuf(n)
      call same('getsbuf', n, buf)
      ints(1) = 11
      ints(2) = 12
      call pvmfpack(INTEGER4, ints, 2, 1, info)
      call pvmfsend(me, 1, info)
      call pvmfsend(me, 2, info)
      call pvmfprobe(me, 1, n)
      if (n .le. 0) call same('probe', n, 1)
      call pvmfnrecv(me, 1, n)
      call pvmfgetrbuf(second)
      call same('getrbuf', second, n)
      call pvmfbufinfo(n, bytes, tag, tid, info)
      call same('bytes', bytes, 8)
      call same('tag', tag, 1)
      call same('tid', tid, me)
      call pvmfsetrbuf(0, old)
      call same('setrbuf', old, n)
      call pvmffreebuf(n, info)
      call same('freebuf', info, 0)
      call pvmffreebuf(n, info)
      call same('freebuf again', info, PVMNOSUCHBUF)
      call pvmftrecv(me, 2, 10, 0, n)
      if (n .le. 0) call same('trecv', n, 1)
      call pvmftrecv(me, 2, 0, 1000, n)
      call same('trecv nothing', n, 0)
      call pvmfnrecv(-1, -1, n)
      call same('nrecv nothing', n, 0)
c     Those that PVM describes but does not have
      call pvmfinitsend(PVMRAW, buf)
      call pvmfpack(INTEGER4, ints, 2, 1, info)
      call pvmfmkbuf(PVMRAW, second)
      call pvmfsetsbuf(second, old)
      call pvmfpkmesg(buf, info)
      call same('pkmesg', info, 0)
      call pvmfsetminfo(buf, 7, 8, 9, me, me, info)
      call same('setminfo', info, 0)
      call pvmfgetminfo(buf, length, ctx, tag, n, i, flag, tid, dtid,
     &  info)
      call same('getminfo', info, 0)
      call same('getminfo len', length, 8)
      call same('getminfo ctx', ctx, 7)
      call same('getminfo tag', tag, 8)
      call same('getminfo wid', n, 9)
      call same('getminfo src', tid, me)
      call same('getminfo dst', dtid, me)
      call pvmfsend(me, 5, info)
      call pvmfrecv(me, 5, n)
      call pvmfupkmesg(n, i)
      if (i .le. 0) call same('upkmesg', i, 1)
      call pvmfsetrbuf(i, old)
      call pvmfunpack(INTEGER4, own, 2, 1, info)
      call same('of the message', own(2), 12)
      call pvmfinitsend(PVMRAW, second)
      call pvmfpkmesgbody(buf, info)
      call pvmfsend(me, 6, info)
      call pvmfrecv(me, 6, n)
      call pvmfunpack(INTEGER4, own, 2, 1, info)
      call same('of the body', own(1), 11)
      call pvmftidtoh(me, n)
      call pvmftidtohost(me, i)
      call same('tidtoh', n, i)
      call pvmfserror(1, old)
      call same('serror', old, 0)
      call pvmfserror(0, old)
      call same('serror again', old, 1)
      call pvmfadvise(3, info)
      call same('advise', info, 0)
      call pvmfadvise(99, info)
      call same('advise 99', info, PVMBADPARAM)
c     Messages of one call
      call pvmfpsend(me, 3, ints, 2, INTEGER4, info)
      call same('psend', info, 0)
      call pvmfprecv(me, 3, ints(3), 2, INTEGER4, tid, tag,
     &  length, info)
      call same('precv', ints(4), 12)
      call same('precv length', length, 8)
c     Contexts and handlers
      call pvmfnewcontext(ctx)
      call pvmfsetcontext(ctx, old)
      call same('setcontext', old, 0)
      call pvmfgetcontext(n)
      call same('getcontext', n, ctx)
      call pvmfsetcontext(0, n)
      call pvmffreecontext(ctx, info)
      call same('freecontext', info, 0)
      handled = 0
      call pvmfaddmhf(me, 40, -1, handler, mhid)
      if (mhid .lt. 0) call same('addmhf', mhid, 0)
      call pvmfinitsend(PVMDEFAULT, buf)
      call pvmfpack(INTEGER4, ints, 1, 1, info)
      call pvmfsend(me, 40, info)
      call pvmfsend(me, 41, info)
      call pvmfrecv(me, 41, n)
      call same('handled', handled, 1)
      call pvmfdelmhf(mhid, info)
      call same('delmhf', info, 0)
c     Mailbox
      call pvmfputinfo('fortran box', buf, PVMMBOXDEFAULT, index)
      call same('putinfo', index, 0)
      call pvmfrecvinfo('fortran box', 0, PVMMBOXDEFAULT, n)
      if (n .le. 0) call same('recvinfo', n, 1)
      do i = 1, 3
        call pvmfputinfo('fortran many', buf, PVMMBOXMULTIINSTANCE,
     &    index)
        call same('putinfo again', index, i - 1)
      end do
c     One class for each call, with all of its entries
      nclass = 0
      call pvmfgetmboxinfo('*', class, nclass, nentry, ints, owners,
     &  boxes, info)
      call same('getmboxinfo', nclass, 2)
      call same('entries', nentry, 1)
      call same('owner', owners(1), me)
      if (class .ne. 'fortran box') call same(class, 0, 1)
      call pvmfgetmboxinfo('*', class, nclass, nentry, ints, owners,
     &  boxes, info)
      call same('entries of the second', nentry, 3)
      call same('third index', ints(3), 2)
      call same('third owner', owners(3), me)
      call same('third flags', boxes(3), PVMMBOXMULTIINSTANCE)
      if (class .ne. 'fortran many') call same(class, 0, 2)
      call pvmfgetmboxinfo('none', class, nclass, nentry, ints, owners,
     &  boxes, info)
      call same('no class', nclass, 0)
      call pvmfdelinfo('fortran box', 0, PVMMBOXDEFAULT, info)
      call same('delinfo', info, 0)
      call pvmfrecvinfo('fortran box', 0, PVMMBOXDEFAULT, n)
      call same('recvinfo nothing', n, PVMNOTFOUND)
c     Tasks
      call pvmfsiblings(n, 0, tid)
      call same('siblings', n, 1)
      call pvmfcatchout(1, info)
      call same('catchout', info, 0)
      call pvmfspawn('calls', PVMDEFAULT, '*', 2, tids, numt)
      call same('spawn', numt, 2)
      call pvmfnotify(PVMTASKEXIT, 9, 2, tids, info)
      call same('notify', info, 0)
c     One task for each call, in a cycle that begins anew with -1
      n = 0
      call pvmftasks(0, n, tid, ptid, dtid, flag, prog, info)
      call same('tasks', n, 3)
      call pvmftasks(0, n, second, ptid, dtid, flag, prog, info)
      if (second .eq. tid) call same('second task', second, 0)
      n = -1
      call pvmftasks(0, n, second, ptid, dtid, flag, prog, info)
      call same('first task again', second, tid)
      n = -1
      call pvmftasks(tids(1), n, tid, ptid, dtid, flag, prog, info)
      call same('one task', n, 1)
      call same('its tid', tid, tids(1))
      call same('its parent', ptid, me)
      call pvmfpstat(tids(1), info)
      call same('pstat', info, 0)
c     Groups
      call pvmfjoingroup('calls', inum)
      call same('joingroup', inum, 0)
      call pvmfinitsend(PVMRAW, buf)
      call pvmfpack(INTEGER4, tids, 2, 1, info)
      call pvmfmcast(2, tids, 5, info)
      call same('mcast', info, 0)
      call pvmfbarrier('calls', 3, info)
      call same('barrier', info, 0)
      call pvmffreezegroup('calls', 3, info)
      if (info .lt. 0) call same('freezegroup', info, 0)
      call pvmfgsize('calls', n)
      call same('gsize', n, 3)
      call pvmfgettid('calls', 0, tid)
      call same('gettid', tid, me)
      call pvmfgetinst('calls', tids(1), ninst)
      if (ninst .lt. 1) call same('getinst', ninst, 1)
      call pvmfinitsend(PVMDEFAULT, buf)
      call pvmfbcast('calls', 6, info)
      call same('bcast', info, 0)
      do i = 1, 4
        ints(i) = 100 + i
      end do
      call pvmfscatter(own, ints, 1, INTEGER4, 7, 'calls', 0, info)
      call same('scatter', own(1), 101)
      own(1) = 200
      call pvmfgather(ints, own, 1, INTEGER4, 8, 'calls', 0, info)
      call same('gather', info, 0)
      call same('gather 1', ints(1), 200)
      call same('gather 2', ints(2), 202)
      call same('gather 3', ints(3), 203)
      own(1) = 1
      call pvmfreduce(PvmMax, own, 1, INTEGER4, 10, 'calls', 0, info)
      call same('reduce', own(1), 203)
      call pvmfsendsig(tids(1), 9, info)
      call same('sendsig', info, 0)
      call pvmfrecv(-1, 9, n)
      call pvmfunpack(INTEGER4, tid, 1, 1, info)
      call same('first end', tid, tids(1))
      call pvmfkill(tids(2), info)
      call same('kill', info, 0)
      call pvmfrecv(-1, 9, n)
      call pvmfpstat(tids(2), info)
      call same('pstat of the dead', info, PVMNOTASK)
      call pvmflvgroup('calls', info)
      if (info .gt. 0) call same('lvgroup', info, 0)
      call pvmfsleep(0)
      call pvmfperror('said in fortran', info)
      call pvmfcatchout(0, info)
      call pvmfexit(info)
      call same('exit', info, 0)
      print *, 'every routine answers'
      end

      subroutine child(parent)
      implicit none
      include 'fpvm3.h'
      integer parent, tids(2), n, sibling, me, info, inum, ints(3)
      integer mine(1)
      external PvmMax
      call pvmfmytid(me)
      call pvmfrecv(parent, 5, n)
      call pvmfunpack(INTEGER4, tids, 2, 1, info)
      call pvmfsiblings(n, 1, sibling)
      call same('siblings', sibling, tids(2))
      call pvmfjoingroup('calls', inum)
      call pvmfbarrier('calls', 3, info)
      call pvmffreezegroup('calls', 3, info)
      call pvmfrecv(parent, 6, n)
      call pvmfscatter(mine, ints, 1, INTEGER4, 7, 'calls', 0, info)
      call same('scattered', mine(1), 101 + inum)
      mine(1) = mine(1) + 100
      call pvmfgather(ints, mine, 1, INTEGER4, 8, 'calls', 0, info)
      call pvmfreduce(PvmMax, mine, 1, INTEGER4, 10, 'calls', 0,
     &  info)
      call pvmfrecv(parent, 77, n)
      end

      subroutine handler(id)
      implicit none
      integer id, handled
      common /seen/ handled
      handled = handled + 1
      end

      subroutine same(what, got, wanted)
      implicit none
      character*(*) what
      integer got, wanted
      if (got .eq. wanted) return
      print *, what, ': ', got, ' and not ', wanted
      stop 1
      end

throw new Error('this script does not start');
